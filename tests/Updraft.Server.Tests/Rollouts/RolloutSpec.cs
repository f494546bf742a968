using CsCheck;
using Updraft.Protocol;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>
/// Drives three agents through revisions in every order that CsCheck thinks of: an obedient agent does what it is told,
/// its reports arrive late, twice and out of order, and now and then something fails or a new revision comes.
/// </summary>
public sealed class RolloutSpec
{
    private const int Agents = 3;

    private enum Step
    {
        Work,
        Fail,
        Repeat,
        Deploy,
    }

    private static readonly Gen<(Step Step, int Agent)[]> Walks =
        Gen.Select(
            Gen.Frequency((8, Gen.Const(Step.Work)), (1, Gen.Const(Step.Fail)), (3, Gen.Const(Step.Repeat)), (1, Gen.Const(Step.Deploy))),
            Gen.Int[0, Agents - 1]).Array[0, 80];

    [Fact]
    public void Every_walk_keeps_the_rules_and_ends_converged()
    {
        Walks.Sample(walk =>
        {
            var world = new World();
            foreach (var (step, agent) in walk)
                world.Do(step, agent);
            world.Settle();
            return world.Phase == RolloutPhase.Converged && world.Recorded.All(agent => agent.ActiveRevision == world.Newest);
        }, iter: 20_000);
    }

    [Fact]
    public void The_phase_is_that_of_the_slowest_and_failure_outweighs_all()
    {
        Standing[] all =
        [
            new Standing(0, null, 0), new Standing(6, AgentPhase.Active, 6), new Standing(6, AgentPhase.Failed, 5),
            new Standing(7, AgentPhase.Prepared, 6), new Standing(7, AgentPhase.Active, 7), new Standing(7, AgentPhase.Failed, 6),
        ];
        Gen.Int[0, all.Length - 1].Select(i => all[i]).Array[0, Agents].Sample(live => Rollout.PhaseOf(7, live) == (live switch
        {
            _ when live.Contains(new Standing(7, AgentPhase.Failed, 6)) => RolloutPhase.Failed,
            _ when live.All(agent => agent.ActiveRevision == 7) => RolloutPhase.Converged,
            _ when live.All(agent => agent.Revision == 7) => RolloutPhase.Activating,
            _ => RolloutPhase.Preparing,
        }), iter: 5_000);
    }

    [Fact]
    public void Nobody_waits_for_the_others()
    {
        Assert.Equal(StatePhase.Activate, Rollout.Tell(7, new Standing(7, AgentPhase.Prepared, 6)));
        Assert.Equal(StatePhase.Prepare, Rollout.Tell(8, new Standing(7, AgentPhase.Active, 7)));
        Assert.Equal(StatePhase.Prepare, Rollout.Tell(7, new Standing(7, AgentPhase.Failed, 6)));
        Assert.Equal(StatePhase.Activate, Rollout.Tell(0, new Standing(0, null, 0)));
    }

    private sealed class World
    {
        private readonly Standing[] _actual = new Standing[Agents];
        private readonly List<Standing>[] _sent = [.. Enumerable.Range(0, Agents).Select(_ => new List<Standing>())];

        public long Newest { get; private set; } = 1;

        public Standing[] Recorded { get; } = new Standing[Agents];

        public RolloutPhase Phase => Rollout.PhaseOf(Newest, Recorded);

        public void Do(Step step, int agent)
        {
            switch (step)
            {
                case Step.Deploy:
                    Newest++;
                    break;
                case Step.Fail when !_actual[agent].Runs(Newest):
                    Send(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Failed });
                    break;
                case Step.Repeat when _sent[agent].Where(report => report.Phase is not AgentPhase.Failed).ToList() is { Count: > 0 } old:
                    Arrive(agent, old[old.Count / 2]);
                    break;
                case Step.Work:
                    Obey(agent);
                    break;
                default:
                    break;
            }
        }

        /// <summary>Time passes and nothing disturbs.</summary>
        public void Settle()
        {
            for (var agent = 0; agent < Agents; agent++)
            {
                Obey(agent);
                Obey(agent);
            }
        }

        private void Obey(int agent)
        {
            if (Rollout.Tell(Newest, Recorded[agent]) == StatePhase.Prepare || !_actual[agent].HasPrepared(Newest))
                Send(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Prepared });
            else
                Send(agent, new Standing(Newest, AgentPhase.Active, Newest));
        }

        private void Send(int agent, Standing report)
        {
            _actual[agent] = report;
            _sent[agent].Add(report);
            Arrive(agent, report);
        }

        private void Arrive(int agent, Standing report)
        {
            var before = Recorded[agent];
            if (!before.Outdates(report))
                Recorded[agent] = report;
            Assert.True(Recorded[agent].Revision >= before.Revision, "A report moved an agent back.");
            Assert.False(before.Runs(Newest) && !Recorded[agent].Runs(Newest) && report.Phase is not AgentPhase.Failed,
                "A repeated report took an agent's success away.");
            if (Recorded.All(standing => standing.Runs(Newest)))
                Assert.Equal(RolloutPhase.Converged, Phase);
        }
    }
}
