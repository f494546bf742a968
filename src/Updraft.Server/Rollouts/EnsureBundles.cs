using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Ensures that every bundle has a row. The default DAG bundle gets it at the first request for bundles, other bundles at creation or first
/// deploy.
/// </summary>
internal sealed class EnsureBundles(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options)
{
    /// <summary>Adds the missing rows of the default DAG bundle and of the newest revision. Usually none is missing.</summary>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task CompleteAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        if (!await IsMissingAsync(id, cancellationToken))
            return;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(id, cancellationToken);
        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        foreach (var (mount, bundle) in await FindOrAddAsync(deployment, newest?.Mounts ?? [], newest?.CreatedAt ?? deployment.CreatedAt,
            deployment.CreatedBy, cancellationToken))
        {
            // Revisions of releases without bundle rows have no history, so the history begins with the newest revision.
            if (db.Entry(bundle).State != EntityState.Added)
                continue;
            db.BundleMoves.Add(new()
            {
                BundleId = bundle.Id,
                Revision = newest!.Number,
                DeploymentId = id,
                Version = mount.Version,
                DeployId = new(mount.DeployId),
                CreatedAt = newest.CreatedAt,
            });
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    /// <summary>The rows of mounts. Adds missing rows, also that of the default DAG bundle. Call it inside a write transaction.</summary>
    public async Task<IReadOnlyList<(RevisionMount Mount, Bundle Bundle)>> FindOrAddAsync(Deployment deployment,
        IReadOnlyList<RevisionMount> mounts, DateTimeOffset now, SubjectProfile by, CancellationToken cancellationToken)
    {
        var paths = mounts.Select(mount => mount.Path).Append(Bundle.MainPath).Distinct(StringComparer.Ordinal).ToArray();
        var rows = await db.Bundles.Where(row => row.DeploymentId == deployment.Id && paths.Contains(row.Path))
            .ToDictionaryAsync(row => row.Path, StringComparer.Ordinal, cancellationToken);
        if (!rows.TryGetValue(Bundle.MainPath, out var main) && (deployment.IsDagDeployEnabled || mounts.Count > 0))
        {
            main = Add(deployment, Bundle.MainPath, Bundle.Main, deployment.CreatedAt, deployment.CreatedBy);
            rows.Add(main.Path, main);
        }
        var found = new List<(RevisionMount, Bundle)>(mounts.Count);
        foreach (var mount in mounts)
        {
            if (!rows.TryGetValue(mount.Path, out var bundle))
            {
                bundle = Add(deployment, mount.Path, mount.IsDag ? mount.Path[(Bundle.ParentDirectory.Length + 1)..] : null, now, by);
                if (!mount.IsDag)
                    (bundle.BundleType, bundle.DagBundleIds) = (mount.BundleType, [main!.Id.Value]);
            }
            found.Add((mount, bundle));
        }
        return found;
    }

    public Bundle Add(Deployment deployment, string path, string? name, DateTimeOffset now, SubjectProfile by)
    {
        var bundle = new Bundle
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deployment.Id,
            Path = path,
            MountPath = $"{options.Value.AirflowHome}/{path}",
            Name = name,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
        db.Bundles.Add(bundle);
        return bundle;
    }

    private async Task<bool> IsMissingAsync(DeploymentId id, CancellationToken cancellationToken)
    {
        var deployment = await db.Deployments.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == id && row.DeletedAt == null, cancellationToken)
            ?? throw ApiException.NotFound("Deployment", id.Value);
        var newest = await db.NewestRevisionAsync(deployment, cancellationToken);
        var needed = (newest?.Mounts ?? []).Select(mount => mount.Path).Concat(deployment.IsDagDeployEnabled ? [Bundle.MainPath] : [])
            .Distinct(StringComparer.Ordinal).ToArray();
        return needed.Length > await db.Bundles.CountAsync(row => row.DeploymentId == id && needed.Contains(row.Path), cancellationToken);
    }
}
