using Updraft.Protocol;

namespace Updraft.Server.Rollouts;

/// <summary>Where a Deployment's live agents are on their way to its newest revision.</summary>
internal enum RolloutPhase
{
    /// <summary>Somebody has not prepared the revision yet.</summary>
    Preparing,

    /// <summary>Everybody has prepared it, somebody does not run it yet.</summary>
    Activating,

    /// <summary>Everybody runs it.</summary>
    Converged,

    /// <summary>Somebody could not prepare or activate it.</summary>
    Failed,
}

/// <summary>What one agent said last.</summary>
/// <param name="Revision">The revision that <paramref name="Phase"/> is about; 0 before the first report.</param>
/// <param name="Phase">How far it is; null before the first report.</param>
/// <param name="ActiveRevision">The revision that it runs; 0 for none.</param>
internal readonly record struct Standing(long Revision, AgentPhase? Phase, long ActiveRevision)
{
    /// <summary>The trees of a revision are complete there.</summary>
    public bool HasPrepared(long revision) => Revision == revision && Phase is AgentPhase.Prepared or AgentPhase.Active;

    /// <summary>The revision runs there.</summary>
    public bool Runs(long revision) => Revision == revision && Phase is AgentPhase.Active && ActiveRevision == revision;

    /// <summary>The revision could not be brought to run there.</summary>
    public bool Failed(long revision) => Revision == revision && Phase is AgentPhase.Failed;

    /// <summary>
    /// Whether a report tells something that was true before this one: reports are repeated after a lost answer, and a
    /// late repetition must not turn the clock back.
    /// </summary>
    public bool Outdates(Standing report) => report.Revision < Revision
        || (report.Revision == Revision && Phase is AgentPhase.Active && report.Phase is AgentPhase.Prepared
            && report.ActiveRevision <= ActiveRevision);
}

/// <summary>
/// The way of all live agents to one revision: preparing, activating, converged, or failed. A function of what they
/// said last, so there is nothing to store and nothing that a crash could lose.
/// </summary>
internal static class Rollout
{
    /// <summary>The phase of a revision over the live agents; without any it is converged.</summary>
    public static RolloutPhase PhaseOf(long revision, IReadOnlyCollection<Standing> live)
    {
        if (live.Any(agent => agent.Failed(revision)))
            return RolloutPhase.Failed;
        if (live.All(agent => agent.Runs(revision)))
            return RolloutPhase.Converged;
        return live.All(agent => agent.HasPrepared(revision)) ? RolloutPhase.Activating : RolloutPhase.Preparing;
    }

    /// <summary>
    /// What an agent is told to do with the newest revision. This is the whole policy: each agent activates as soon as
    /// it has prepared, without waiting for the others. Revision 0 is empty and needs no preparation.
    /// </summary>
    public static StatePhase Tell(long revision, Standing agent) =>
        revision == 0 || agent.HasPrepared(revision) ? StatePhase.Activate : StatePhase.Prepare;
}
