using System.Collections.ObjectModel;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Uploads;

namespace Updraft.Server.Deploys;

/// <summary>Reads deploys for the API.</summary>
internal sealed class DeployQueries(UpdraftDbContext db, FindDeploy find, CurrentVersions currentVersions, SignedUploadUrl uploadUrl)
{
    /// <summary>One deploy.</summary>
    /// <exception cref="ApiException">404: no such deploy in the Deployment.</exception>
    public async Task<DeployResponse> GetAsync(Subject subject, DeploymentId deploymentId, DeployId deployId,
        CancellationToken cancellationToken)
    {
        var row = await find.RunAsync(db, deploymentId, deployId, cancellationToken) ?? throw DeployRules.NotFound(deployId);
        return (await DescribeAsync(subject, deploymentId, [row], cancellationToken))[0];
    }

    /// <summary>A page of the history, newest first. Numbers have no gaps, so the database neither skips nor counts rows.</summary>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<DeploysPaginated> ListAsync(Subject subject, DeploymentId deploymentId, Paging paging,
        CancellationToken cancellationToken)
    {
        var total = await db.Deployments.Where(row => row.Id == deploymentId && row.DeletedAt == null)
            .Select(row => (long?)row.DeployCount).SingleOrDefaultAsync(cancellationToken)
            ?? throw ApiException.NotFound("Deployment", deploymentId.Value);
        var newest = total - paging.Offset;
        IReadOnlyList<DeployResponse> page = [];
        if (newest > 0 && paging.Limit > 0)
        {
            var query = WithRevisions(db.Deploys.Where(row => row.DeploymentId == deploymentId && row.Number <= newest))
                .OrderByDescending(row => row.Deploy.Number).Take(paging.Limit);
            page = await DescribeAsync(subject, deploymentId, await query.ToListAsync(cancellationToken), cancellationToken);
        }
        return new() { Deploys = page, Limit = paging.Limit, Offset = paging.Offset, TotalCount = total };
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
        List<DeployWithRevision> rows, CancellationToken cancellationToken)
    {
        var running = rows.Exists(row => row.Revision is { } revision && revision.Bundles().Any())
            ? await currentVersions.ReadAsync(deploymentId, cancellationToken)
            : ReadOnlyDictionary<string, string>.Empty;
        var workspace = !rows.Exists(row => UploadUrl(row.Deploy) is not null) ? default
            : await db.Deployments.Where(row => row.Id == deploymentId).Select(row => row.WorkspaceId)
                .SingleOrDefaultAsync(cancellationToken);
        return [.. rows.Select(row => Describe(subject, workspace, row, running))];
    }

    /// <summary>The response for a deploy whose rows the caller has already read.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="workspace">The Workspace of the Deployment.</param>
    /// <param name="row">The deploy.</param>
    /// <param name="running">The version that agents report, by path below the agent's root.</param>
    public DeployResponse Describe(Subject subject, WorkspaceId workspace, DeployWithRevision row,
        IReadOnlyDictionary<string, string> running)
    {
        // The upload URL is a permission in itself, so callers that may only read do not get it.
        var url = UploadUrl(row.Deploy);
        var mayUpload = url is not null && subject.May(Permission.CreateDeploys, workspace, row.Deploy.DeploymentId);
        return row.ToResponse(running, mayUpload ? url : null);
    }

    private string? UploadUrl(Deploy deploy) => deploy is { Status: DeployStatus.Initialized, Upload: { } purpose }
        ? uploadUrl.Create(deploy.DeploymentId, deploy.Id, purpose)
        : null;
}
