using CsCheck;
using Updraft.Protocol;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>
/// Drives three agents through revisions in random orders from CsCheck. Each agent follows the desired state; its reports arrive late,
/// twice and out of order; agents fail, and new revisions are appended. Two agents have an image driver; agents are sometimes offline.
/// </summary>
public sealed class RolloutSpec
{
    private const int Agents = 3;

    private enum Step
    {
        Work,
        Fail,
        Repeat,
        ReportProgress,
        Deploy,
        DeployImage,
        GoOffline,
    }

    private static readonly Gen<(Step Step, int Agent)[]> Walks =
        Gen.Select(
            Gen.Frequency((8, Gen.Const(Step.Work)), (1, Gen.Const(Step.Fail)), (3, Gen.Const(Step.Repeat)),
                (2, Gen.Const(Step.ReportProgress)),
                (1, Gen.Const(Step.Deploy)), (1, Gen.Const(Step.DeployImage)), (1, Gen.Const(Step.GoOffline))),
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
    public void Phase_is_that_of_the_slowest_agent_unless_one_failed()
    {
        AgentStatus[] all =
        [
            new AgentStatus(0, null, 0), new AgentStatus(6, AgentPhase.Active, 6), new AgentStatus(6, AgentPhase.Failed, 5),
            new AgentStatus(7, AgentPhase.Prepared, 6), new AgentStatus(7, AgentPhase.Active, 7), new AgentStatus(7, AgentPhase.Failed, 6),
        ];
        Gen.Int[0, all.Length - 1].Select(i => all[i]).Array[0, Agents].Sample(live => Rollout.PhaseOf(7, live) == (live switch
        {
            _ when live.Contains(new AgentStatus(7, AgentPhase.Failed, 6)) => RolloutPhase.Failed,
            _ when live.All(agent => agent.ActiveRevision == 7) => RolloutPhase.Converged,
            _ when live.All(agent => agent.Revision == 7) => RolloutPhase.Activating,
            _ => RolloutPhase.Preparing,
        }), iter: 5_000);
    }

    [Fact]
    public void Agent_activates_without_waiting_for_others()
    {
        Assert.Equal(StatePhase.Activate, Rollout.PhaseFor(7, new AgentStatus(7, AgentPhase.Prepared, 6), ImageBarrier.None));
        Assert.Equal(StatePhase.Prepare, Rollout.PhaseFor(8, new AgentStatus(7, AgentPhase.Active, 7), ImageBarrier.None));
        Assert.Equal(StatePhase.Prepare, Rollout.PhaseFor(7, new AgentStatus(7, AgentPhase.Failed, 6), ImageBarrier.None));
        Assert.Equal(StatePhase.Activate, Rollout.PhaseFor(0, new AgentStatus(0, null, 0), ImageBarrier.None));
    }

    [Fact]
    public void Barrier_applies_only_to_agents_that_prepared_and_do_not_run_it()
    {
        AgentStatus[] all =
        [
            new AgentStatus(0, null, 0), new AgentStatus(6, AgentPhase.Active, 6), new AgentStatus(7, AgentPhase.Prepared, 6),
            new AgentStatus(7, AgentPhase.Active, 7), new AgentStatus(7, AgentPhase.Failed, 6), new AgentStatus(7, AgentPhase.Prepared, 0),
        ];
        ImageReference?[] images =
        [
            null, new("r", "one"), new("r", "two"), new("r", "two", "sha256:2"), new("r", "other-tag", "sha256:2"),
            new("r", "two", "sha256:3"),
        ];
        var status = Gen.Int[0, all.Length - 1].Select(i => all[i]);
        var image = Gen.Int[0, images.Length - 1].Select(i => images[i]);
        Gen.Select(status, image, Gen.Select(status, image, (at, runs) => new ImageStatus(at, runs)).Array[0, 4])
            .Sample((agent, desired, live) =>
        {
            var barrier = new ImageBarrier(7, desired, live);
            var waits = agent == all[2] && desired is not null
                && live.Any(other => !other.AgentStatus.HasPrepared(7) && !desired.IsSameAs(other.Image));
            var plain = Rollout.PhaseFor(7, agent, ImageBarrier.None);
            return Rollout.PhaseFor(7, agent, barrier) == (waits ? StatePhase.Prepare : plain)
                && (Rollout.MayWait(7, agent) || Rollout.PhaseFor(7, agent, barrier) == plain);
        }, iter: 20_000);
    }

    private sealed class World
    {
        /// <summary>Agents from this index on have an image driver.</summary>
        private const int FirstDriver = 1;

        private readonly AgentStatus[] _actual = new AgentStatus[Agents];
        private readonly List<AgentStatus>[] _sent = [.. Enumerable.Range(0, Agents).Select(_ => new List<AgentStatus>())];
        private readonly ImageReference?[] _images = new ImageReference?[Agents];
        private readonly bool[] _isOffline = new bool[Agents];
        private ImageReference _image = new("r", "1");

        public long Newest { get; private set; } = 1;

        public AgentStatus[] Recorded { get; } = new AgentStatus[Agents];

        public RolloutPhase Phase => Rollout.PhaseOf(Newest, [.. Recorded.Where((_, agent) => !_isOffline[agent])]);

        private ImageBarrier Barrier => new(Newest, _image, [.. Enumerable.Range(FirstDriver, Agents - FirstDriver)
            .Where(agent => !_isOffline[agent]).Select(agent => new ImageStatus(Recorded[agent], _images[agent]))]);

        public void Do(Step step, int agent)
        {
            switch (step)
            {
                case Step.Deploy:
                    Newest++;
                    break;
                case Step.DeployImage:
                    Newest++;
                    _image = new ImageReference("r", $"{Newest}");
                    break;
                case Step.GoOffline:
                    _isOffline[agent] = !_isOffline[agent];
                    break;
                case Step.Fail when !_isOffline[agent] && !_actual[agent].Runs(Newest):
                    Send(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Failed });
                    break;
                case Step.Repeat when _sent[agent].Where(report => report.Phase is not AgentPhase.Failed).ToList() is { Count: > 0 } old:
                    Arrive(agent, old[old.Count / 2]);
                    break;
                case Step.ReportProgress:
                    Arrive(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Preparing });
                    break;
                case Step.Work when !_isOffline[agent]:
                    Reconcile(agent);
                    break;
                default:
                    break;
            }
        }

        /// <summary>All agents are online and work without failures.</summary>
        public void Settle()
        {
            Array.Clear(_isOffline);
            for (var round = 0; round < 3; round++)
            {
                for (var agent = 0; agent < Agents; agent++)
                    Reconcile(agent);
            }
        }

        private void Reconcile(int agent)
        {
            var barrier = Barrier;
            if (Rollout.PhaseFor(Newest, Recorded[agent], barrier) == StatePhase.Prepare || !_actual[agent].HasPrepared(Newest))
            {
                // The image is ready before the agent reports PREPARED.
                if (agent >= FirstDriver)
                    _images[agent] = _image;
                if (!_actual[agent].Runs(Newest))
                    Send(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Prepared });
                return;
            }
            Assert.True(_actual[agent].ActiveRevision == 0 || _actual[agent].Runs(Newest)
                || barrier.Live.All(other => other.AgentStatus.HasPrepared(Newest) || _image.IsSameAs(other.Image)),
                "An agent activated before the image was ready at all agents.");
            Send(agent, new AgentStatus(Newest, AgentPhase.Active, Newest));
        }

        private void Send(int agent, AgentStatus report)
        {
            _actual[agent] = report;
            _sent[agent].Add(report);
            Arrive(agent, report);
        }

        private void Arrive(int agent, AgentStatus report)
        {
            var before = Recorded[agent];
            if (before.IsChangedBy(report))
                Recorded[agent] = report;
            Assert.True(Recorded[agent].Revision >= before.Revision, "A report set an agent back to an older revision.");
            Assert.False(report.Phase is AgentPhase.Preparing && Recorded[agent] != before,
                "A PREPARING report changed the status of an agent.");
            Assert.False(before.Runs(Newest) && !Recorded[agent].Runs(Newest) && report.Phase is not AgentPhase.Failed,
                "A repeated report removed the success of an agent.");
            if (Recorded.All(status => status.Runs(Newest)))
                Assert.Equal(RolloutPhase.Converged, Phase);
        }
    }
}
