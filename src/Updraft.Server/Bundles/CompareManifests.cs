using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;

namespace Updraft.Server.Bundles;

/// <summary>What an agent needs to get from the bundle that it has to the one that it wants.</summary>
internal sealed class CompareManifests(UpdraftDbContext db, BundleFiles files)
{
    /// <summary>Compares two manifests of a Deployment and finds the contents that were added.</summary>
    /// <param name="deployment">Only its manifests and contents are looked at.</param>
    /// <param name="from">What the agent has; null, or one that this Deployment lacks, counts as nothing.</param>
    /// <param name="to">What the agent wants.</param>
    /// <param name="cancellationToken">Ends the reading.</param>
    /// <exception cref="ApiException">404: no version of this Deployment has the manifest <paramref name="to"/>.</exception>
    /// <exception cref="InvalidDataException">The store has damaged or lost something.</exception>
    public async Task<ManifestDiff> RunAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        var wanted = await ReadAsync(deployment, to, cancellationToken) ?? throw ApiException.NotFound("manifest", to.ToString());
        var present = from is { } known ? await ReadOrNothingAsync(deployment, known, cancellationToken) : null;
        var (_, added) = ManifestDiff.Compare(present, wanted);
        var contents = added.Where(entry => !entry.IsDirectory).Select(entry => entry.Content);
        var locations = await db.FindContentsAsync(deployment, contents, cancellationToken);
        if (added.FirstOrDefault(entry => !entry.IsDirectory && !locations.ContainsKey(entry.Content)) is { Path: not null } lost)
            throw new InvalidDataException($"No pack of {deployment} is known to hold the content {lost.Content} of manifest {to}.");
        return ManifestDiff.Between(present, wanted, locations);
    }

    private async Task<Manifest?> ReadOrNothingAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(deployment, digest, cancellationToken);
        }
        catch (Exception exception) when (exception is FileNotFoundException or InvalidDataException)
        {
            return null; // A lost start costs a longer answer and nothing else.
        }
    }

    private async Task<Manifest?> ReadAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        if (!await db.BundleVersions.AnyAsync(row => row.DeploymentId == deployment && row.ManifestDigest == digest, cancellationToken))
            return null;
        return await files.ReadManifestAsync(deployment, digest, cancellationToken);
    }
}
