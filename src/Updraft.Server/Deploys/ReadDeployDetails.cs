using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Deploys;

/// <summary>One deploy with all rows from which its steps and its page are derived.</summary>
internal sealed record DeployDetails
{
    public required Deployment Deployment { get; init; }

    public required string WorkspaceName { get; init; }

    public required Deploy Deploy { get; init; }

    /// <summary>The revision of the deploy; null before finalize.</summary>
    public required Revision? Revision { get; init; }

    /// <summary>The revision before <see cref="Revision"/>; null for the first one.</summary>
    public required Revision? Previous { get; init; }

    /// <summary>The newest revision of the Deployment; null before the first finalize.</summary>
    public required Revision? Newest { get; init; }

    /// <summary>The pinned image of <see cref="Revision"/>; null without a registry.</summary>
    public required Image? Image { get; init; }

    /// <summary>Bundle versions that <see cref="Rollouts.CurrentVersions"/> would return, by path below the agent's root.</summary>
    public required IReadOnlyDictionary<string, string> CurrentVersions { get; init; }

    /// <summary>Bundle versions that were uploaded through the deploy, oldest first.</summary>
    public required IReadOnlyList<BundleVersion> Uploads { get; init; }

    /// <summary>Reports about <see cref="Revision"/>, by agent id; empty before finalize.</summary>
    public required IReadOnlyList<RevisionReport> Reports { get; init; }

    /// <summary>All agents of the Deployment, by id.</summary>
    public required IReadOnlyList<AgentSummary> Agents { get; init; }

    /// <summary>An agent is live if its last heartbeat is not older.</summary>
    public required DateTimeOffset LiveSince { get; init; }

    public bool IsNewest => Revision is not null && Revision.Number == Deployment.Revision;
}

/// <summary>Reads <see cref="DeployDetails"/> with four queries, however long the history is.</summary>
/// <exception cref="ApiException">404: no such Deployment, or no such deploy in it.</exception>
internal sealed class ReadDeployDetails(UpdraftDbContext db, IOptions<AgentOptions> options, TimeProvider clock)
{
    public async Task<DeployDetails> RunAsync(DeploymentId deploymentId, DeployId deployId, CancellationToken cancellationToken)
    {
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        // Left joins, so that one query returns the deploy before and after finalize, and tells an unknown Deployment from an unknown
        // deploy.
        var found = await (
            from deployment in db.Deployments.AsNoTracking()
            where deployment.Id == deploymentId && deployment.DeletedAt == null
            from workspace in db.Set<Workspace>().Where(row => row.Id == deployment.WorkspaceId).DefaultIfEmpty()
            from deploy in db.Set<Deploy>().Where(row => row.DeploymentId == deployment.Id && row.Id == deployId).DefaultIfEmpty()
            from revision in db.Set<Revision>()
                .Where(row => row.DeploymentId == deployment.Id && row.Number == deploy!.Revision).DefaultIfEmpty()
            // A join, because a correlated subquery with an expression needs APPLY, which SQLite does not have.
            join earlier in db.Set<Revision>() on new { DeploymentId = deployment.Id, Number = unchecked(deploy!.Revision - 1) }
                equals new { earlier.DeploymentId, Number = (long?)earlier.Number } into earlierRevisions
            from previous in earlierRevisions.DefaultIfEmpty()
            from newest in db.Set<Revision>()
                .Where(row => row.DeploymentId == deployment.Id && row.Number == deployment.Revision).DefaultIfEmpty()
            from image in db.Set<Image>()
                .Where(row => row.DeploymentId == deployment.Id && row.Digest == revision!.ImageDigest).DefaultIfEmpty()
            select new
            {
                Deployment = deployment,
                WorkspaceName = workspace!.Name,
                Deploy = deploy,
                Revision = revision,
                Previous = previous,
                Newest = newest,
                Image = image,
                Mounts = db.Set<Agent>().Where(row => row.DeploymentId == deployment.Id)
                    .OrderByDescending(row => row.LastSeenAt >= liveSince).ThenBy(row => row.ActiveRevision).ThenBy(row => row.Id)
                    .Select(row => row.Mounts).FirstOrDefault(),
            }).SingleOrDefaultAsync(cancellationToken) ?? throw ApiException.NotFound("Deployment", deploymentId.Value);
        if (found.Deploy is null)
            throw DeployRules.NotFound(deployId);
        var uploads = await db.BundleVersions.AsNoTracking().Where(row => row.DeploymentId == deploymentId && row.DeployId == deployId)
            .OrderBy(row => row.Version).ToListAsync(cancellationToken);
        var number = found.Revision?.Number;
        List<RevisionReport> reports = number is null ? [] : await db.RevisionReports.AsNoTracking()
            .Where(row => row.DeploymentId == deploymentId && row.Revision == number)
            .OrderBy(row => row.AgentId).ToListAsync(cancellationToken);
        var agents = await db.Agents.AsNoTracking().Where(row => row.DeploymentId == deploymentId).OrderBy(row => row.Id)
            .Select(AgentSummary.FromAgent).ToListAsync(cancellationToken);
        return new()
        {
            Deployment = found.Deployment,
            WorkspaceName = found.WorkspaceName ?? "",
            Deploy = found.Deploy,
            Revision = found.Revision,
            Previous = found.Previous,
            Newest = found.Newest,
            Image = found.Image,
            CurrentVersions = CurrentVersions.ByPath(found.Mounts ?? []),
            Uploads = uploads,
            Reports = reports,
            Agents = agents,
            LiveSince = liveSince,
        };
    }
}
