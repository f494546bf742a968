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
/// Notes once for each revision that all live agents run it, and records the event: when the last of them says so, by the rule that makes a
/// Deployment HEALTHY. Inside the transaction of the report, with the Deployment locked.
/// </summary>
internal sealed class RecordActive(UpdraftDbContext db, EventLog events, TimeProvider clock)
{
    /// <param name="deployment">The Deployment; the agent that reports runs its newest revision.</param>
    /// <param name="liveSince">Who was seen since then is live.</param>
    /// <param name="by">The agent's token.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(Deployment deployment, DateTimeOffset liveSince, SubjectProfile by, CancellationToken cancellationToken)
    {
        var (id, newest) = (deployment.Id, deployment.Revision);
        if (newest == 0)
            return;
        // Most reports end here or with the next line: two reads by index.
        var live = db.Agents.Where(agent => agent.DeploymentId == id && agent.LastSeenAt >= liveSince);
        if (await live.AnyAsync(agent => agent.Revision != newest || agent.ActiveRevision != newest || agent.Phase != AgentPhase.Active, cancellationToken))
            return;
        var revision = await db.Revisions.SingleAsync(row => row.DeploymentId == id && row.Number == newest, cancellationToken);
        if (revision.ActiveAt is not null)
            return;
        revision.ActiveAt = clock.GetUtcNow();
        var agents = await live.CountAsync(cancellationToken);
        events.Record(EventTypes.DeployActive, by, deployment.Place(revision.DeployId), new("deploy", revision.DeployId.Value, deployment.Name),
            ("deploymentName", deployment.Name), ("revision", newest.ToString(CultureInfo.InvariantCulture)), ("agents", agents.ToString(CultureInfo.InvariantCulture)));
        await db.SaveChangesAsync(cancellationToken);
    }
}
