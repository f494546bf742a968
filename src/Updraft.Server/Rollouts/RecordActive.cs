using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Records once per revision that all live agents run it, and the event <c>deploy.active</c>. The rule is the same as for the status
/// HEALTHY. Call it in the transaction of a report, with the Deployment locked.
/// </summary>
internal sealed class RecordActive(UpdraftDbContext db, EventLog events, TimeProvider clock)
{
    /// <param name="deployment">The locked Deployment; the reporting agent runs its newest revision.</param>
    /// <param name="liveSince">An agent is live if its last heartbeat is not older.</param>
    /// <param name="by">The agent's token.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
    public async Task RunAsync(Deployment deployment, DateTimeOffset liveSince, SubjectProfile by, CancellationToken cancellationToken)
    {
        var (id, newest) = (deployment.Id, deployment.Revision);
        if (newest == 0)
            return;
        // Most reports return here or after the next query; both queries use an index.
        var live = db.Agents.Where(agent => agent.DeploymentId == id && agent.LastSeenAt >= liveSince);
        if (await live.AnyAsync(agent => agent.Revision != newest || agent.ActiveRevision != newest || agent.Phase != AgentPhase.Active,
            cancellationToken))
            return;
        var revision = await db.Revisions.SingleAsync(row => row.DeploymentId == id && row.Number == newest, cancellationToken);
        if (revision.ActiveAt is not null)
            return;
        revision.ActiveAt = clock.GetUtcNow();
        var agents = await live.CountAsync(cancellationToken);
        events.Record(EventTypes.DeployActive, by, deployment.Scope(revision.DeployId),
            new("deploy", revision.DeployId.Value, deployment.Name),
            ("deploymentName", deployment.Name), ("revision", newest.ToString(CultureInfo.InvariantCulture)),
            ("agents", agents.ToString(CultureInfo.InvariantCulture)));
        await db.SaveChangesAsync(cancellationToken);
    }
}
