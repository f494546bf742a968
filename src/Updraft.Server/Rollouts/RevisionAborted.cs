using Updraft.Server.Agents;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Rollouts;

/// <summary>An agent has given a revision up because its image does not run there.</summary>
/// <param name="Deployment">The Deployment, locked.</param>
/// <param name="Revision">The revision.</param>
/// <param name="Agent">The agent; its message says why.</param>
/// <param name="By">The agent's token, as whoever does what follows.</param>
internal sealed record RevisionAborted(Deployment Deployment, long Revision, Agent Agent, SubjectProfile By);

/// <summary>
/// Decides what becomes of the deploy, inside the transaction of the report. A delegate, because the deploys that know it are built on
/// rollouts and not the other way round.
/// </summary>
internal delegate Task AbortRevision(RevisionAborted given, CancellationToken cancellationToken);
