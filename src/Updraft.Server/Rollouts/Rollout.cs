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
internal readonly record struct AgentStatus(long Revision, AgentPhase? Phase, long ActiveRevision)
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
    public bool Outdates(AgentStatus report) => report.Revision < Revision
        || (report.Revision == Revision && Phase is AgentPhase.Active && report.Phase is AgentPhase.Prepared
            && report.ActiveRevision <= ActiveRevision)
        || (report.Revision == Revision && report.Phase is AgentPhase.Preparing && Phase is AgentPhase.Prepared or AgentPhase.Active);

    /// <summary>Whether a report says where the agent stands. That work goes on is no news of that.</summary>
    public bool IsMovedBy(AgentStatus report) => report.Phase is not AgentPhase.Preparing && !Outdates(report);
}

/// <summary>What an agent said last that lets images run.</summary>
/// <param name="AgentStatus">How far it is.</param>
/// <param name="Image">The image that runs beside it; null for none yet.</param>
internal readonly record struct ImageStatus(AgentStatus AgentStatus, ImageReference? Image);

/// <summary>
/// The image of a revision and the agents that are to let it run. Nobody's bundles move before it runs at all of them: whatever of a
/// deploy turns out not to work, what Airflow sees has not changed.
/// </summary>
/// <param name="Revision">The revision.</param>
/// <param name="Image">Its image; null for none.</param>
/// <param name="Live">The live agents that roll images out.</param>
internal sealed record ImageBarrier(long Revision, ImageReference? Image, IReadOnlyCollection<ImageStatus> Live)
{
    /// <summary>Nothing to wait for.</summary>
    public static ImageBarrier None { get; } = new(0, null, []);

    /// <summary>Whether the others wait.</summary>
    public bool IsHeld => Live.Any(Holds);

    /// <summary>Whether the others wait for this agent: it runs another image, and has not prepared the revision.</summary>
    public bool Holds(ImageStatus agent) =>
        Image is not null && !Image.IsSameAs(agent.Image) && !agent.AgentStatus.HasPrepared(Revision);
}

/// <summary>
/// The way of all live agents to one revision: preparing, activating, converged, or failed. A function of what they
/// said last, so there is nothing to store and nothing that a crash could lose.
/// </summary>
internal static class Rollout
{
    /// <summary>The phase of a revision over the live agents; without any it is converged.</summary>
    public static RolloutPhase PhaseOf(long revision, IReadOnlyCollection<AgentStatus> live)
    {
        if (live.Any(agent => agent.Failed(revision)))
            return RolloutPhase.Failed;
        if (live.All(agent => agent.Runs(revision)))
            return RolloutPhase.Converged;
        return live.All(agent => agent.HasPrepared(revision)) ? RolloutPhase.Activating : RolloutPhase.Preparing;
    }

    /// <summary>
    /// What an agent is told to do with the newest revision. This is the whole policy: each agent activates as soon as
    /// it has prepared, unless something else runs there and somebody still lets the image run. Revision 0 is empty and needs no
    /// preparation.
    /// </summary>
    public static StatePhase Tell(long revision, AgentStatus agent, ImageBarrier barrier) => revision == 0
        || (agent.HasPrepared(revision) && !(MayWait(revision, agent) && barrier.IsHeld)) ? StatePhase.Activate : StatePhase.Prepare;

    /// <summary>
    /// Whether the barrier decides what an agent is told. One that has nothing yet is in a new pod, perhaps, for which the agent waits that
    /// lets the image run.
    /// </summary>
    public static bool MayWait(long revision, AgentStatus agent) =>
        revision != 0 && agent.HasPrepared(revision) && !agent.Runs(revision) && agent.ActiveRevision != 0;
}
