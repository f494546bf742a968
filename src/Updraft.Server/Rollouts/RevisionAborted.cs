using Updraft.Server.Agents;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Rollouts;

/// <summary>An agent aborted the rollout of a revision, because the image did not become ready.</summary>
/// <param name="Deployment">The locked Deployment.</param>
/// <param name="Revision">The revision.</param>
/// <param name="Agent">The agent; its message contains the reason.</param>
/// <param name="By">The agent's token, which becomes the creator of the automatic rollback.</param>
internal sealed record RevisionAborted(Deployment Deployment, long Revision, Agent Agent, SubjectProfile By);

/// <summary>
/// Marks the deploy as failed and rolls back, inside the transaction of the report. It is a delegate, because Deploys, which implements it,
/// depends on Rollouts.
/// </summary>
internal delegate Task AbortRevision(RevisionAborted aborted, CancellationToken cancellationToken);
