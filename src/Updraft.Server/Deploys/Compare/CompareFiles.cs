using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys.Compare;

public enum FileChangeKind
{
    Added,
    Removed,
    Changed,
}

/// <summary>A file that differs between two deploys.</summary>
/// <param name="Path">Path in the bundle.</param>
/// <param name="Kind">The kind of change.</param>
/// <param name="Before">The old entry of the manifest; null if the file was added.</param>
/// <param name="After">The new entry of the manifest; null if the file was removed.</param>
public sealed record FileChange(string Path, FileChangeKind Kind, ManifestEntry? Before, ManifestEntry? After);

/// <summary>The differences in one bundle.</summary>
/// <param name="Path">Path below the agent's root, e.g. <c>dags</c>.</param>
/// <param name="Before">The old version; null if the bundle was added.</param>
/// <param name="After">The new version; null if the bundle was removed.</param>
/// <param name="Files">The files that differ, by path; empty for two versions with the same content.</param>
public sealed record BundleChange(string Path, RevisionMount? Before, RevisionMount? After, FileChangeCollection Files);

/// <summary>
/// Finds the files that differ between the revisions of two deploys. Compares manifests and reads no file content, so the cost does not
/// depend on file sizes.
/// </summary>
internal sealed class CompareFiles(UpdraftDbContext db, BundleFiles files)
{
    /// <summary>The bundles whose version differs, by path.</summary>
    /// <exception cref="ApiException">400: a deploy was never finalized. 404: no such deploy in the Deployment.</exception>
    public async Task<IReadOnlyList<BundleChange>> RunAsync(DeploymentId deployment, DeployId before, DeployId after,
        CancellationToken cancellationToken) =>
        await CompareAsync(await ReadRevisionAsync(deployment, before, cancellationToken),
            await ReadRevisionAsync(deployment, after, cancellationToken), cancellationToken);

    /// <exception cref="ApiException">400: the deploy was never finalized. 404: no such deploy in the Deployment.</exception>
    public async Task<Revision> ReadRevisionAsync(DeploymentId deployment, DeployId id, CancellationToken cancellationToken)
    {
        var number = await db.Deploys.Where(row => row.Id == id && row.DeploymentId == deployment).Select(row => new { row.Revision })
            .SingleOrDefaultAsync(cancellationToken) ?? throw DeployRules.NotFound(id);
        return await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deployment && row.Number == number.Revision, cancellationToken)
            ?? throw DeployRules.NotFinalized(id);
    }

    /// <summary>Compares two revisions of a Deployment. Without the first one, all bundles of the second are new.</summary>
    public async Task<IReadOnlyList<BundleChange>> CompareAsync(Revision? before, Revision after, CancellationToken cancellationToken)
    {
        var changes = new List<BundleChange>();
        var paths = (before?.Mounts ?? []).Concat(after.Mounts).Select(mount => mount.Path).Distinct(StringComparer.Ordinal);
        foreach (var path in paths.Order(StringComparer.Ordinal))
        {
            var (old, @new) = (before?.MountAt(path), after.MountAt(path));
            if (old?.Version != @new?.Version)
                changes.Add(new(path, old, @new, await CompareAsync(after.DeploymentId, old, @new, cancellationToken)));
        }
        return changes;
    }

    private async Task<FileChangeCollection> CompareAsync(DeploymentId deployment, RevisionMount? before, RevisionMount? after,
        CancellationToken cancellationToken) => before?.Manifest == after?.Manifest
        ? new FileChangeCollection([], [], cancellationToken)
        : new FileChangeCollection(await ListAsync(deployment, before, cancellationToken), await ListAsync(deployment, after, cancellationToken),
            cancellationToken);

    private async Task<IEnumerable<ManifestEntry>> ListAsync(DeploymentId deployment, RevisionMount? mount,
        CancellationToken cancellationToken) =>
        mount is null ? [] : await files.ReadEntriesAsync(deployment, Digest.Parse(mount.Manifest), cancellationToken);
}
