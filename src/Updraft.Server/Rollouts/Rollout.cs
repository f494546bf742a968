using Updraft.Protocol;

namespace Updraft.Server.Rollouts;

/// <summary>The progress of the live agents of a Deployment with one revision.</summary>
internal enum RolloutPhase
{
    /// <summary>One agent or more has not prepared the revision.</summary>
    Preparing,

    /// <summary>All agents have prepared the revision; one or more does not run it.</summary>
    Activating,

    /// <summary>All agents run the revision.</summary>
    Converged,

    /// <summary>One agent or more could not prepare or activate the revision.</summary>
    Failed,
}

/// <summary>The last report of one agent.</summary>
/// <param name="Revision">The revision of <paramref name="Phase"/>; 0 before the first report.</param>
/// <param name="Phase">The progress with <paramref name="Revision"/>; null before the first report.</param>
/// <param name="ActiveRevision">The revision that the agent runs; 0 for none.</param>
internal readonly record struct AgentStatus(long Revision, AgentPhase? Phase, long ActiveRevision)
{
    /// <summary>Whether the trees of a revision are complete at the agent.</summary>
    public bool HasPrepared(long revision) => Revision == revision && Phase is AgentPhase.Prepared or AgentPhase.Active;

    /// <summary>Whether the agent runs a revision.</summary>
    public bool Runs(long revision) => Revision == revision && Phase is AgentPhase.Active && ActiveRevision == revision;

    /// <summary>Whether the agent could not prepare or activate a revision.</summary>
    public bool Failed(long revision) => Revision == revision && Phase is AgentPhase.Failed;

    /// <summary>
    /// Whether this status is newer than a report. Agents repeat a report after a lost response, and a late repetition must not undo a
    /// later report.
    /// </summary>
    public bool IsNewerThan(AgentStatus report) => report.Revision < Revision
        || (report.Revision == Revision && Phase is AgentPhase.Active && report.Phase is AgentPhase.Prepared
            && report.ActiveRevision <= ActiveRevision)
        || (report.Revision == Revision && report.Phase is AgentPhase.Preparing && Phase is AgentPhase.Prepared or AgentPhase.Active);

    /// <summary>Whether a report changes this status. A report of ongoing preparation does not.</summary>
    public bool IsChangedBy(AgentStatus report) => report.Phase is not AgentPhase.Preparing && !IsNewerThan(report);
}

/// <summary>The last report of an agent with an image driver.</summary>
/// <param name="AgentStatus">Its progress.</param>
/// <param name="Image">The image that its driver has rolled out; null before the first one.</param>
internal readonly record struct ImageStatus(AgentStatus AgentStatus, ImageReference? Image);

/// <summary>
/// The image of a revision, and the agents that roll it out. No agent activates bundles before the image is ready at all of them. So if an
/// image fails, Airflow has seen no file of the deploy.
/// </summary>
/// <param name="Revision">The revision.</param>
/// <param name="Image">Its image; null for none.</param>
/// <param name="Live">The live agents with an image driver.</param>
internal sealed record ImageBarrier(long Revision, ImageReference? Image, IReadOnlyCollection<ImageStatus> Live)
{
    /// <summary>A barrier without agents, which holds no agent back.</summary>
    public static ImageBarrier None { get; } = new(0, null, []);

    /// <summary>Whether other agents wait.</summary>
    public bool IsHeld => Live.Any(Holds);

    /// <summary>Whether other agents wait for this one: it runs another image, and has not prepared the revision.</summary>
    public bool Holds(ImageStatus agent) =>
        Image is not null && !Image.IsSameAs(agent.Image) && !agent.AgentStatus.HasPrepared(Revision);
}

/// <summary>
/// The rollout of one revision to all live agents, as a function of their last reports. It stores no state, so a crash loses none.
/// </summary>
internal static class Rollout
{
    /// <summary>The phase of a revision; converged without live agents.</summary>
    public static RolloutPhase PhaseOf(long revision, IReadOnlyCollection<AgentStatus> live)
    {
        if (live.Any(agent => agent.Failed(revision)))
            return RolloutPhase.Failed;
        if (live.All(agent => agent.Runs(revision)))
            return RolloutPhase.Converged;
        return live.All(agent => agent.HasPrepared(revision)) ? RolloutPhase.Activating : RolloutPhase.Preparing;
    }

    /// <summary>
    /// The phase that an agent receives for the newest revision. This is the whole policy: an agent activates as soon as it has prepared.
    /// It waits only if it runs another revision and the image barrier is held. Revision 0 is empty and needs no preparation.
    /// </summary>
    public static StatePhase PhaseFor(long revision, AgentStatus agent, ImageBarrier barrier) => revision == 0
        || (agent.HasPrepared(revision) && !(MayWait(revision, agent) && barrier.IsHeld)) ? StatePhase.Activate : StatePhase.Prepare;

    /// <summary>
    /// Whether the image barrier applies to an agent. It does not apply if the agent runs no revision yet. The agent may be in a new pod,
    /// and the image driver waits for that pod to become ready.
    /// </summary>
    public static bool MayWait(long revision, AgentStatus agent) =>
        revision != 0 && agent.HasPrepared(revision) && !agent.Runs(revision) && agent.ActiveRevision != 0;
}
