using CsCheck;
using Updraft.Protocol;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>
/// Drives three agents through revisions in every order that CsCheck thinks of: an obedient agent does what it is told,
/// its reports arrive late, twice and out of order, and now and then something fails or a new revision comes. Two of them let images run;
/// now and then one is away for a while.
/// </summary>
[Trait("Database", "every")]
public sealed class RolloutSpec
{
    private const int Agents = 3;

    private enum Step
    {
        Work,
        Fail,
        Repeat,
        Tell,
        Deploy,
        DeployImage,
        Vanish,
    }

    private static readonly Gen<(Step Step, int Agent)[]> Walks =
        Gen.Select(
            Gen.Frequency((8, Gen.Const(Step.Work)), (1, Gen.Const(Step.Fail)), (3, Gen.Const(Step.Repeat)), (2, Gen.Const(Step.Tell)),
                (1, Gen.Const(Step.Deploy)), (1, Gen.Const(Step.DeployImage)), (1, Gen.Const(Step.Vanish))),
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
    public void Nobody_waits_for_the_others()
    {
        Assert.Equal(StatePhase.Activate, Rollout.Tell(7, new AgentStatus(7, AgentPhase.Prepared, 6), ImageBarrier.None));
        Assert.Equal(StatePhase.Prepare, Rollout.Tell(8, new AgentStatus(7, AgentPhase.Active, 7), ImageBarrier.None));
        Assert.Equal(StatePhase.Prepare, Rollout.Tell(7, new AgentStatus(7, AgentPhase.Failed, 6), ImageBarrier.None));
        Assert.Equal(StatePhase.Activate, Rollout.Tell(0, new AgentStatus(0, null, 0), ImageBarrier.None));
    }

    [Fact]
    public void A_barrier_changes_only_what_those_hear_who_have_prepared_and_do_not_run_it()
    {
        AgentStatus[] all =
        [
            new AgentStatus(0, null, 0), new AgentStatus(6, AgentPhase.Active, 6), new AgentStatus(7, AgentPhase.Prepared, 6),
            new AgentStatus(7, AgentPhase.Active, 7), new AgentStatus(7, AgentPhase.Failed, 6), new AgentStatus(7, AgentPhase.Prepared, 0),
        ];
        ImageReference?[] images =
        [
            null, new("r", "one"), new("r", "two"), new("r", "two", "sha256:2"), new("r", "other-tag", "sha256:2"), new("r", "two", "sha256:3"),
        ];
        var standing = Gen.Int[0, all.Length - 1].Select(i => all[i]);
        var image = Gen.Int[0, images.Length - 1].Select(i => images[i]);
        Gen.Select(standing, image, Gen.Select(standing, image, (at, runs) => new ImageStatus(at, runs)).Array[0, 4]).Sample((agent, wanted, live) =>
        {
            var barrier = new ImageBarrier(7, wanted, live);
            var waits = agent == all[2] && wanted is not null
                && live.Any(other => !other.AgentStatus.HasPrepared(7) && !wanted.IsSameAs(other.Image));
            var plain = Rollout.Tell(7, agent, ImageBarrier.None);
            return Rollout.Tell(7, agent, barrier) == (waits ? StatePhase.Prepare : plain)
                && (Rollout.MayWait(7, agent) || Rollout.Tell(7, agent, barrier) == plain);
        }, iter: 20_000);
    }

    private sealed class World
    {
        /// <summary>Agents from this one on let images run.</summary>
        private const int FirstDriver = 1;

        private readonly AgentStatus[] _actual = new AgentStatus[Agents];
        private readonly List<AgentStatus>[] _sent = [.. Enumerable.Range(0, Agents).Select(_ => new List<AgentStatus>())];
        private readonly ImageReference?[] _images = new ImageReference?[Agents];
        private readonly bool[] _isAway = new bool[Agents];
        private ImageReference _image = new("r", "1");

        public long Newest { get; private set; } = 1;

        public AgentStatus[] Recorded { get; } = new AgentStatus[Agents];

        public RolloutPhase Phase => Rollout.PhaseOf(Newest, [.. Recorded.Where((_, agent) => !_isAway[agent])]);

        private ImageBarrier Barrier => new(Newest, _image, [.. Enumerable.Range(FirstDriver, Agents - FirstDriver)
            .Where(agent => !_isAway[agent]).Select(agent => new ImageStatus(Recorded[agent], _images[agent]))]);

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
                case Step.Vanish:
                    _isAway[agent] = !_isAway[agent];
                    break;
                case Step.Fail when !_isAway[agent] && !_actual[agent].Runs(Newest):
                    Send(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Failed });
                    break;
                case Step.Repeat when _sent[agent].Where(report => report.Phase is not AgentPhase.Failed).ToList() is { Count: > 0 } old:
                    Arrive(agent, old[old.Count / 2]);
                    break;
                case Step.Tell:
                    Arrive(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Preparing });
                    break;
                case Step.Work when !_isAway[agent]:
                    Obey(agent);
                    break;
                default:
                    break;
            }
        }

        /// <summary>Time passes and nothing disturbs.</summary>
        public void Settle()
        {
            Array.Clear(_isAway);
            for (var round = 0; round < 3; round++)
            {
                for (var agent = 0; agent < Agents; agent++)
                    Obey(agent);
            }
        }

        private void Obey(int agent)
        {
            var barrier = Barrier;
            if (Rollout.Tell(Newest, Recorded[agent], barrier) == StatePhase.Prepare || !_actual[agent].HasPrepared(Newest))
            {
                // The image runs before an agent says that it has prepared.
                if (agent >= FirstDriver)
                    _images[agent] = _image;
                if (!_actual[agent].Runs(Newest))
                    Send(agent, _actual[agent] with { Revision = Newest, Phase = AgentPhase.Prepared });
                return;
            }
            Assert.True(_actual[agent].ActiveRevision == 0 || _actual[agent].Runs(Newest) || barrier.Live.All(other => other.AgentStatus.HasPrepared(Newest) || _image.IsSameAs(other.Image)),
                "Bundles moved before the image ran everywhere.");
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
            if (before.IsMovedBy(report))
                Recorded[agent] = report;
            Assert.True(Recorded[agent].Revision >= before.Revision, "A report moved an agent back.");
            Assert.False(report.Phase is AgentPhase.Preparing && Recorded[agent] != before, "That work goes on moved an agent.");
            Assert.False(before.Runs(Newest) && !Recorded[agent].Runs(Newest) && report.Phase is not AgentPhase.Failed,
                "A repeated report took an agent's success away.");
            if (Recorded.All(standing => standing.Runs(Newest)))
                Assert.Equal(RolloutPhase.Converged, Phase);
        }
    }
}
