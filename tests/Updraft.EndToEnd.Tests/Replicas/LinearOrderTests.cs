using CsCheck;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>
/// Tests of the checker: histories that it must accept, histories that it must reject, and random histories. For these, its result always
/// equals the result of a search of all orders.
/// </summary>
[Trait("Database", "any")]
public sealed class LinearOrderTests
{
    private static readonly IReadOnlyList<LogEntry> TwoEntries = [new(1, "d1", "a", "v1"), new(2, "d2", "b", "v2")];

    [Fact]
    public void Sequential_changes_have_an_order() =>
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 30)], [Shows("v1", 11, 12), Shows("v2", 31, 32)], TwoEntries);

    [Fact]
    public void Concurrent_changes_may_have_either_order()
    {
        Accepts([Finalize(1, 0, 30), Finalize(2, 10, 20)], [], TwoEntries);
        Accepts([Finalize(1, 10, 20), Finalize(2, 0, 30)], [], TwoEntries);
    }

    [Fact]
    public void Read_during_a_change_may_show_it_or_not()
    {
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 40)], [Shows("v1", 25, 30), Shows("v2", 31, 35)], TwoEntries);
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 40)], [Shows("v2", 25, 35), Shows("v1", 25, 35)], TwoEntries);
    }

    [Fact]
    public void Change_without_a_response_may_take_effect_late_or_never()
    {
        Accepts([Finalize(1, 0, 10), Finalize(2, 5, null)], [Shows("v1", 100, 110)], TwoEntries);
        Accepts([Finalize(1, 0, 10), Finalize(2, 5, null)], [Shows("v1", 100, 110)], [TwoEntries[0]]);
    }

    [Fact]
    public void Rollback_restores_the_content_of_its_target() =>
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 30), RollBack("c", "d1", 40, 50)], [Shows("v1", 60, 70)],
            [.. TwoEntries, new(3, "d3", "c", "v1", "d1")]);

    [Fact]
    public void Missing_acknowledged_change_is_rejected() =>
        Rejects("is missing", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [], [TwoEntries[0]]);

    [Fact]
    public void Reversed_order_of_sequential_changes_is_rejected() =>
        Rejects("is after it", [Finalize(1, 20, 30), Finalize(2, 0, 10)], [], TwoEntries);

    [Fact]
    public void Reversed_order_of_changes_far_apart_is_rejected() =>
        Rejects("is after it", [Finalize(1, 20, 30), Finalize(2, 0, 100), Finalize(3, 0, 10)], [],
            [.. TwoEntries, new(3, "d3", "c", "v3")]);

    [Fact]
    public void Change_that_took_effect_twice_is_rejected() =>
        Rejects("took effect twice", [Finalize(1, 0, 10)], [], [TwoEntries[0], new(2, "d2", "a", "v1")]);

    [Fact]
    public void Change_without_a_response_that_took_effect_twice_is_rejected() =>
        Rejects("took effect twice", [Finalize(1, 0, null)], [], [TwoEntries[0], new(2, "d2", "a", "v1")]);

    [Fact]
    public void Deploy_with_two_revisions_is_rejected() =>
        Rejects("made revisions", [Finalize(1, 0, 10), Finalize(2, 0, null) with { Deploy = null }], [],
            [TwoEntries[0], new(2, "d1", "b", "v2")]);

    [Fact]
    public void Revision_that_no_client_requested_is_rejected() =>
        Rejects("no client requested", [Finalize(1, 0, 10)], [], TwoEntries);

    [Fact]
    public void Gap_in_the_revisions_is_rejected() =>
        Rejects("is at position", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [], [TwoEntries[0], TwoEntries[1] with { Number = 3 }]);

    [Fact]
    public void Finalize_with_a_different_content_is_rejected() =>
        Rejects("instead of", [Finalize(1, 0, 10)], [], [TwoEntries[0] with { Content = "v2" }]);

    [Fact]
    public void Rollback_to_a_different_content_is_rejected() =>
        Rejects("instead of", [Finalize(1, 0, 10), Finalize(2, 20, 30), RollBack("c", "d1", 40, 50)], [],
            [.. TwoEntries, new(3, "d3", "c", "v2", "d1")]);

    [Fact]
    public void Rollback_to_a_different_deploy_is_rejected() =>
        Rejects("rolls back to", [Finalize(1, 0, 10), Finalize(2, 20, 30), RollBack("c", "d1", 40, 50)], [],
            [.. TwoEntries, new(3, "d3", "c", "v2", "d2")]);

    [Fact]
    public void Read_older_than_an_acknowledged_change_is_rejected() =>
        Rejects("is stale", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [Shows("v1", 31, 32)], TwoEntries);

    [Fact]
    public void Stale_read_is_rejected() =>
        Rejects("is stale", [Finalize(1, 0, 10), Finalize(2, 20, 90)], [Shows("v2", 30, 40), Shows("v1", 50, 60)], TwoEntries);

    [Fact]
    public void Read_of_a_later_change_is_rejected() =>
        Rejects("only later", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [Shows("v2", 11, 12)], TwoEntries);

    [Fact]
    public void List_with_a_finalized_deploy_as_open_is_rejected() =>
        Rejects("is stale", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [new(40, 50) { Deployed = ["d1"], Open = ["d2"] }], TwoEntries);

    [Fact]
    public void List_with_the_later_deploy_alone_is_rejected() =>
        Rejects("is stale", [Finalize(1, 0, 90), Finalize(2, 0, 90)], [new(40, 50) { Deployed = ["d2"], Open = ["d1"] }], TwoEntries);

    [Fact]
    public void Deployed_status_without_a_revision_is_rejected() =>
        Rejects("is stale", [Finalize(1, 0, 10)], [new(40, 50) { Deployed = ["d7"] }], [TwoEntries[0]]);

    [Fact]
    public void Checker_and_a_search_of_all_orders_always_agree()
    {
        var (accepted, rejected) = (0, 0);
        var changeTimes = Gen.Select(Gen.Long[0, 30], Gen.Long[1, 20], Gen.Int[0, 4]).Array[0, 4];
        var observationTimes = Gen.Select(Gen.Long[0, 40], Gen.Long[1, 12], Gen.Int[0, 5]).Array[0, 3];
        Gen.Select(changeTimes, observationTimes).Sample((changesDrawn, observationsDrawn) =>
        {
            var changes = changesDrawn
                .Select((times, i) => Finalize(i + 1, times.Item1, times.Item3 == 0 ? null : times.Item1 + times.Item2)).ToList();
            // The last change may be missing, and two contents repeat, so that an observation can have several positions.
            var log = changes.Where((change, i) => change.Responded is not null || i % 2 == 0)
                .Select((change, i) => new LogEntry(i + 1, change.Deploy!, change.Id, change.Content)).ToList();
            var observations = observationsDrawn.Select(observation => observation.Item3 switch
            {
                0 => new Observation(observation.Item1, observation.Item1 + observation.Item2) { ShowsContent = true },
                5 => new Observation(observation.Item1, observation.Item1 + observation.Item2) { Deployed = ["d1"], Open = ["d3"] },
                var number => Shows($"v{number % 2 + 1}", observation.Item1, observation.Item1 + observation.Item2),
            }).ToList();
            changes = [.. changes.Select(change => change with { Content = ContentOf(change.Content!) })];
            log = [.. log.Select(entry => entry with { Content = ContentOf(entry.Content!) })];

            var isLinear = LinearOrder.FindFault(changes, observations, log) is null;
            Interlocked.Increment(ref isLinear ? ref accepted : ref rejected);

            return isLinear == HasOrder(changes, observations, log);
        }, iter: 20_000);
        Assert.True(accepted > 1000 && rejected > 1000, $"{accepted} accepted, {rejected} rejected");

        static string ContentOf(string version) => version is "v1" or "v3" ? "v1" : "v2";
    }

    /// <summary>Tries every order that agrees with time, by the algorithm of Wing and Gong.</summary>
    private static bool HasOrder(List<Change> changes, List<Observation> observations, List<LogEntry> log)
    {
        var positions = log.ToDictionary(entry => entry.Deploy, entry => (int)entry.Number, StringComparer.Ordinal);
        return Search([.. changes.Where(change => log.Any(entry => entry.Change == change.Id))], [.. observations], 0);

        bool Search(IReadOnlyList<Change> left, IReadOnlyList<Observation> unseen, int position)
        {
            if (left.Count == 0 && unseen.Count == 0)
                return true;
            var firstResponse = left.Select(change => change.Responded ?? long.MaxValue)
                .Concat(unseen.Select(observation => observation.Responded)).Min();
            return left.Any(change => change.Began <= firstResponse && log[position].Change == change.Id
                    && Search([.. left.Where(other => other != change)], unseen, position + 1))
                || unseen.Any(observation => observation.Began <= firstResponse && LinearOrder.Fits(observation, log, positions, position)
                    && Search(left, [.. unseen.Where(other => !ReferenceEquals(other, observation))], position));
        }
    }

    private static Change Finalize(int number, long began, long? responded) =>
        new($"{(char)('a' + number - 1)}", began, responded) { Deploy = $"d{number}", Content = $"v{number}" };

    private static Change RollBack(string id, string target, long began, long? responded) =>
        new(id, began, responded) { RollbackOf = target };

    private static Observation Shows(string content, long began, long responded) =>
        new(began, responded) { ShowsContent = true, Content = content };

    private static void Accepts(IReadOnlyList<Change> changes, IReadOnlyList<Observation> observations, IReadOnlyList<LogEntry> log) =>
        Assert.Null(LinearOrder.FindFault(changes, observations, log));

    private static void Rejects(
        string fault, IReadOnlyList<Change> changes, IReadOnlyList<Observation> observations, IReadOnlyList<LogEntry> log) =>
        Assert.Contains(fault, LinearOrder.FindFault(changes, observations, log) ?? "nothing", StringComparison.Ordinal);
}
