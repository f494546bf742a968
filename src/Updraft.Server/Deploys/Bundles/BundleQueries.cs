using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>Reads bundles for the API. A deleted bundle remains visible while a live agent mounts it.</summary>
internal sealed class BundleQueries(UpdraftDbContext db, EnsureBundles ensureBundles, CurrentVersions currentVersions,
    PendingBundleDeletions pending)
{
    /// <summary>One bundle.</summary>
    /// <exception cref="ApiException">404: no such bundle in the Deployment, or it is deleted and no live agent mounts it.</exception>
    public async Task<BundleResponse> GetAsync(DeploymentId deploymentId, BundleId id, CancellationToken cancellationToken)
    {
        await ensureBundles.CompleteAsync(deploymentId, cancellationToken);
        var rows = await (await VisibleAsync(deploymentId, cancellationToken)).Where(row => row.Id == id).ToListAsync(cancellationToken);
        return (await DescribeAsync(deploymentId, rows, cancellationToken)) is [var bundle] ? bundle : throw NotFound(id);
    }

    /// <summary>A page of the bundles, oldest first, so that the default DAG bundle comes first.</summary>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<BundlesPaginated> ListAsync(DeploymentId deploymentId, bool? isDag, Paging paging,
        CancellationToken cancellationToken)
    {
        await ensureBundles.CompleteAsync(deploymentId, cancellationToken);
        var rows = await VisibleAsync(deploymentId, cancellationToken);
        if (isDag is { } value)
            rows = rows.Where(row => row.Name != null == value);
        var page = await rows.OrderBy(row => row.CreatedAt).ThenBy(row => row.Id).Skip(paging.Offset).Take(paging.Limit)
            .ToListAsync(cancellationToken);
        return new()
        {
            Bundles = await DescribeAsync(deploymentId, page, cancellationToken),
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.CountAsync(cancellationToken),
        };
    }

    /// <summary>A page of the version history of a bundle, newest first.</summary>
    /// <exception cref="ApiException">404: no such bundle in the Deployment, or it is deleted and no live agent mounts it.</exception>
    public async Task<BundleVersionsPaginated> ListVersionsAsync(DeploymentId deploymentId, BundleId id, Paging paging,
        CancellationToken cancellationToken)
    {
        var bundle = await GetAsync(deploymentId, id, cancellationToken);
        var moves = db.BundleMoves.AsNoTracking().Where(row => row.BundleId == id);
        var page = await moves.OrderByDescending(row => row.Revision).Skip(paging.Offset).Take(paging.Limit)
            .Join(db.Deploys, move => move.DeployId, deploy => deploy.Id, (move, deploy) => new { move, deploy })
            .OrderByDescending(row => row.move.Revision)
            .ToListAsync(cancellationToken);
        return new()
        {
            Versions = [.. page.Select((row, index) => new BundleVersionResponse
            {
                Version = row.move.Version,
                DeployId = row.move.DeployId.Value,
                // The newest entry, unless a later revision removed the bundle.
                IsDesired = paging.Offset + index == 0 && row.move.Version == bundle.DesiredVersion,
                RollbackFromId = row.deploy.RollbackFromId?.Value,
                Description = row.deploy.Description,
                CreatedAt = row.move.CreatedAt,
                CreatedBySubject = row.deploy.CreatedBy.ToResponse(),
            })],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await moves.CountAsync(cancellationToken),
        };
    }

    public static ApiException NotFound(BundleId id) => ApiException.NotFound("bundle", id.Value);

    private async Task<IQueryable<Bundle>> VisibleAsync(DeploymentId deploymentId, CancellationToken cancellationToken)
    {
        var stillMounted = await pending.ReadAsync(deploymentId, cancellationToken);
        return db.Bundles.AsNoTracking()
            .Where(row => row.DeploymentId == deploymentId && (row.DeletedAt == null || stillMounted.Contains(row.Id)));
    }

    private async Task<IReadOnlyList<BundleResponse>> DescribeAsync(DeploymentId deploymentId, List<Bundle> rows,
        CancellationToken cancellationToken)
    {
        if (rows.Count == 0)
            return [];
        var newest = await (from deployment in db.Deployments
                            where deployment.Id == deploymentId
                            join revision in db.Revisions on new { deployment.Id, Number = deployment.Revision }
                                equals new { Id = revision.DeploymentId, revision.Number }
                            select revision.Mounts).AsNoTracking().SingleOrDefaultAsync(cancellationToken);
        var desired = (newest ?? []).ToDictionary(mount => mount.Path, mount => mount.Version, StringComparer.Ordinal);
        var running = await currentVersions.ReadAsync(deploymentId, cancellationToken);
        return [.. rows.Select(row => ToResponse(row, running.GetValueOrDefault(row.Path), desired.GetValueOrDefault(row.Path)))];
    }

    private static BundleResponse ToResponse(Bundle bundle, string? running, string? desired) => new()
    {
        Id = bundle.Id.Value,
        Type = CreateBundle.OnlyType,
        IsDagBundle = bundle.IsDag,
        IsDefault = bundle.IsDefault,
        DeletionIsPending = bundle.DeletedAt is not null,
        Name = bundle.Name,
        Description = bundle.Description,
        NonDagMountPath = bundle.IsDag ? null : bundle.MountPath,
        NonDagBundleType = bundle.BundleType,
        DagBundleIds = bundle.IsDag ? null : bundle.DagBundleIds,
        CurrentVersion = running,
        DesiredVersion = desired,
        CreatedAt = bundle.CreatedAt,
        UpdatedAt = bundle.UpdatedAt,
    };
}
