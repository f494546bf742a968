using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;

namespace Updraft.Server.Bundles;

/// <summary>Computes the difference that an agent needs to get from one bundle version to another.</summary>
internal sealed class CompareManifests(UpdraftDbContext db, BundleFiles files)
{
    /// <summary>Compares two manifests of a Deployment and finds the contents that were added.</summary>
    /// <param name="deployment">Only manifests and contents of this Deployment are read.</param>
    /// <param name="from">
    /// The manifest that the agent has. If it is null, unknown or damaged, the result is the difference to an empty tree.
    /// </param>
    /// <param name="to">The manifest that the agent needs.</param>
    /// <param name="cancellationToken">Cancels the reads.</param>
    /// <exception cref="ApiException">404: no version of this Deployment has the manifest <paramref name="to"/>.</exception>
    /// <exception cref="InvalidDataException">The manifest is damaged, or no pack holds one of its contents.</exception>
    public async Task<ManifestDiff> RunAsync(DeploymentId deployment, Digest? from, Digest to, CancellationToken cancellationToken)
    {
        var wanted = await ReadAsync(deployment, to, cancellationToken) ?? throw ApiException.NotFound("manifest", to.ToString());
        var present = from is { } known ? await TryReadAsync(deployment, known, cancellationToken) : null;
        var (_, added) = ManifestDiff.Compare(present, wanted);
        var contents = added.Where(entry => !entry.IsDirectory).Select(entry => entry.Content);
        var locations = await db.FindContentsAsync(deployment, contents, cancellationToken);
        if (added.FirstOrDefault(entry => !entry.IsDirectory && !locations.ContainsKey(entry.Content)) is { Path: not null } lost)
            throw new InvalidDataException(
                $"No pack of the Deployment {deployment} holds the content {lost.Content} of the manifest {to}.");
        return ManifestDiff.Between(present, wanted, locations);
    }

    /// <summary>Whether a version of the Deployment has the manifest.</summary>
    public Task<bool> ExistsAsync(DeploymentId deployment, Digest manifest, CancellationToken cancellationToken) =>
        db.BundleVersions.AnyAsync(row => row.DeploymentId == deployment && row.ManifestDigest == manifest, cancellationToken);

    private async Task<Manifest?> TryReadAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        try
        {
            return await ReadAsync(deployment, digest, cancellationToken);
        }
        catch (Exception exception) when (exception is FileNotFoundException or InvalidDataException)
        {
            return null; // Only the response is longer.
        }
    }

    private async Task<Manifest?> ReadAsync(DeploymentId deployment, Digest digest, CancellationToken cancellationToken)
    {
        if (!await ExistsAsync(deployment, digest, cancellationToken))
            return null;
        return await files.ReadManifestAsync(deployment, digest, cancellationToken);
    }
}
