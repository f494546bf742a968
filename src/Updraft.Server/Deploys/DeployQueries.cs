using System.Collections.ObjectModel;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>Reads deploys for the API.</summary>
internal sealed class DeployQueries(UpdraftDbContext db, FindDeploy find, FindDeployPage findPage, CurrentVersions currentVersions,
    DescribeDeploy describe)
{
    /// <summary>One deploy.</summary>
    /// <exception cref="ApiException">404: no such deploy in the Deployment.</exception>
    public async Task<DeployResponse> GetAsync(Subject subject, DeploymentId deploymentId, DeployId deployId,
        CancellationToken cancellationToken)
    {
        var row = await find.RunAsync(db, deploymentId, deployId, cancellationToken) ?? throw DeployRules.NotFound(deployId);
        return (await DescribeAsync(subject, deploymentId, [row], cancellationToken))[0];
    }

    /// <summary>A page of the history, newest first.</summary>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<DeploysPaginated> ListAsync(Subject subject, DeploymentId deploymentId, Paging paging,
        CancellationToken cancellationToken)
    {
        var page = await findPage.RunAsync(db, deploymentId, paging, cancellationToken);
        return new()
        {
            Deploys = await DescribeAsync(subject, deploymentId, page.Rows, cancellationToken),
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = page.Total,
        };
    }

    /// <summary>A page of the matching deploys, newest first.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="deploymentId">The Deployment.</param>
    /// <param name="search">
    /// A part of the description, image tag, mount path or DAG bundle name, or the whole id of a deploy; null for any.
    /// </param>
    /// <param name="subjectId">The id of the creator; null for any.</param>
    /// <param name="paging">The page.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
    public async Task<DeploysPaginated> SearchAsync(Subject subject, DeploymentId deploymentId, string? search, string? subjectId,
        Paging paging, CancellationToken cancellationToken)
    {
        var rows = db.Deploys.Where(row => row.DeploymentId == deploymentId);
        if (!string.IsNullOrEmpty(subjectId))
            rows = rows.Where(row => row.CreatedById == subjectId);
        if (!string.IsNullOrEmpty(search))
        {
            var id = new DeployId(search);
            rows = rows.WhereAnyContains(search, row => row.Id == id,
                [row => row.ImageTag, row => row.Description, row => row.BundleMountPath, row => row.DagBundleName]);
        }
        var page = WithRevisions(rows).OrderByDescending(row => row.Deploy.Number).Skip(paging.Offset).Take(paging.Limit);
        return new()
        {
            Deploys = await DescribeAsync(subject, deploymentId, await page.ToListAsync(cancellationToken), cancellationToken),
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.LongCountAsync(cancellationToken),
        };
    }

    private IQueryable<DeployWithRevision> WithRevisions(IQueryable<Deploy> deploys) => deploys.AsNoTracking().LeftJoin(
        db.Revisions.AsNoTracking(),
        deploy => new { deploy.DeploymentId, Number = deploy.Revision },
        revision => new { revision.DeploymentId, Number = (long?)revision.Number },
        (deploy, revision) => new DeployWithRevision { Deploy = deploy, Revision = revision });

    private async Task<IReadOnlyList<DeployResponse>> DescribeAsync(Subject subject, DeploymentId deploymentId,
        IReadOnlyList<DeployWithRevision> rows, CancellationToken cancellationToken)
    {
        var running = rows.Any(row => row.Revision?.Bundles().Any() == true)
            ? await currentVersions.ReadAsync(deploymentId, cancellationToken)
            : ReadOnlyDictionary<string, string>.Empty;
        var workspace = !rows.Any(row => row.Deploy.OpenUpload is not null) ? default
            : await db.Deployments.Where(row => row.Id == deploymentId).Select(row => row.WorkspaceId)
                .SingleOrDefaultAsync(cancellationToken);
        return [.. rows.Select(row => describe.Run(subject, workspace, row, running))];
    }
}
