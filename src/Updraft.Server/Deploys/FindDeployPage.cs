using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>The rows of a page of the history, newest first.</summary>
/// <param name="Total">Number of deploys on all pages.</param>
/// <param name="Workspace">The Workspace of the Deployment.</param>
/// <param name="Rows">The deploys of the page.</param>
internal sealed record DeployPage(long Total, WorkspaceId Workspace, IReadOnlyList<DeployWithRevision> Rows);

/// <summary>
/// Reads a page of the history. Numbers have no gaps, so the database neither skips nor counts rows. Clients repeat this request, and the
/// queries are compiled once.
/// </summary>
internal sealed class FindDeployPage
{
    private readonly Func<UpdraftDbContext, DeploymentId, CancellationToken, Task<Summary?>> _deployment =
        EF.CompileAsyncQuery((UpdraftDbContext db, DeploymentId deploymentId, CancellationToken _) =>
            db.Set<Deployment>().Where(row => row.Id == deploymentId && row.DeletedAt == null)
                .Select(row => new Summary { Total = row.DeployCount, Workspace = row.WorkspaceId }).SingleOrDefault());

    private readonly Func<UpdraftDbContext, DeploymentId, long, int, IAsyncEnumerable<DeployWithRevision>> _rows =
        EF.CompileAsyncQuery((UpdraftDbContext db, DeploymentId deploymentId, long newest, int limit) =>
            db.Set<Deploy>().AsNoTracking().Where(row => row.DeploymentId == deploymentId && row.Number <= newest)
                .LeftJoin(
                    db.Set<Revision>().AsNoTracking(),
                    deploy => new { deploy.DeploymentId, Number = deploy.Revision },
                    revision => new { revision.DeploymentId, Number = (long?)revision.Number },
                    (deploy, revision) => new DeployWithRevision { Deploy = deploy, Revision = revision })
                .OrderByDescending(row => row.Deploy.Number).Take(limit));

    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<DeployPage> RunAsync(UpdraftDbContext db, DeploymentId deploymentId, Paging paging,
        CancellationToken cancellationToken)
    {
        var deployment = await _deployment(db, deploymentId, cancellationToken)
            ?? throw ApiException.NotFound("Deployment", deploymentId.Value);
        var newest = deployment.Total - paging.Offset;
        var rows = new List<DeployWithRevision>();
        if (newest > 0 && paging.Limit > 0)
        {
            await foreach (var row in _rows(db, deploymentId, newest, paging.Limit).WithCancellation(cancellationToken))
                rows.Add(row);
        }
        return new(deployment.Total, deployment.Workspace, rows);
    }

    private sealed record Summary
    {
        public required long Total { get; init; }

        public required WorkspaceId Workspace { get; init; }
    }
}
