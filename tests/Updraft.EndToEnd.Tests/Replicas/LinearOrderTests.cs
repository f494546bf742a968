using CsCheck;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>The judge is judged first: what it must accept, what it must refuse, and that it always agrees with a search of all orders.</summary>
[Trait("Database", "any")]
public sealed class LinearOrderTests
{
    private static readonly IReadOnlyList<LogEntry> TwoEntries = [new(1, "d1", "a", "v1"), new(2, "d2", "b", "v2")];

    [Fact]
    public void What_one_client_did_after_another_has_an_order() =>
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 30)], [Shows("v1", 11, 12), Shows("v2", 31, 32)], TwoEntries);

    [Fact]
    public void Changes_at_the_same_time_may_come_in_either_order()
    {
        Accepts([Finalize(1, 0, 30), Finalize(2, 10, 20)], [], TwoEntries);
        Accepts([Finalize(1, 10, 20), Finalize(2, 0, 30)], [], TwoEntries);
    }

    [Fact]
    public void A_look_beside_a_change_may_see_it_or_not()
    {
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 40)], [Shows("v1", 25, 30), Shows("v2", 31, 35)], TwoEntries);
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 40)], [Shows("v2", 25, 35), Shows("v1", 25, 35)], TwoEntries);
    }

    [Fact]
    public void A_change_without_an_answer_may_have_happened_late_or_never()
    {
        Accepts([Finalize(1, 0, 10), Finalize(2, 5, null)], [Shows("v1", 100, 110)], TwoEntries);
        Accepts([Finalize(1, 0, 10), Finalize(2, 5, null)], [Shows("v1", 100, 110)], [TwoEntries[0]]);
    }

    [Fact]
    public void A_rollback_brings_back_the_content_of_its_target() =>
        Accepts([Finalize(1, 0, 10), Finalize(2, 20, 30), RollBack("c", "d1", 40, 50)], [Shows("v1", 60, 70)],
            [.. TwoEntries, new(3, "d3", "c", "v1", "d1")]);

    [Fact]
    public void An_acknowledged_change_that_is_not_there_is_lost() =>
        Refuses("is lost", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [], [TwoEntries[0]]);

    [Fact]
    public void Changes_that_did_not_overlap_must_not_change_places() =>
        Refuses("comes after it", [Finalize(1, 20, 30), Finalize(2, 0, 10)], [], TwoEntries);

    [Fact]
    public void Changes_far_apart_in_the_log_must_not_change_places_either() =>
        Refuses("comes after it", [Finalize(1, 20, 30), Finalize(2, 0, 100), Finalize(3, 0, 10)], [], [.. TwoEntries, new(3, "d3", "c", "v3")]);

    [Fact]
    public void A_change_happens_once() =>
        Refuses("carried out twice", [Finalize(1, 0, 10)], [], [TwoEntries[0], new(2, "d2", "a", "v1")]);

    [Fact]
    public void A_change_without_an_answer_happens_once_too() =>
        Refuses("carried out twice", [Finalize(1, 0, null)], [], [TwoEntries[0], new(2, "d2", "a", "v1")]);

    [Fact]
    public void A_deploy_makes_one_revision() =>
        Refuses("made revisions", [Finalize(1, 0, 10), Finalize(2, 0, null) with { Deploy = null }], [], [TwoEntries[0], new(2, "d1", "b", "v2")]);

    [Fact]
    public void What_nobody_asked_for_must_not_be_there() =>
        Refuses("nobody asked", [Finalize(1, 0, 10)], [], TwoEntries);

    [Fact]
    public void A_revision_must_not_be_missing() =>
        Refuses("stands where", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [], [TwoEntries[0], TwoEntries[1] with { Number = 3 }]);

    [Fact]
    public void A_finalize_has_the_content_that_it_named() =>
        Refuses("instead of", [Finalize(1, 0, 10)], [], [TwoEntries[0] with { Content = "v2" }]);

    [Fact]
    public void A_rollback_to_another_content_is_seen() =>
        Refuses("instead of", [Finalize(1, 0, 10), Finalize(2, 20, 30), RollBack("c", "d1", 40, 50)], [], [.. TwoEntries, new(3, "d3", "c", "v2", "d1")]);

    [Fact]
    public void A_rollback_to_another_deploy_is_seen() =>
        Refuses("goes back to", [Finalize(1, 0, 10), Finalize(2, 20, 30), RollBack("c", "d1", 40, 50)], [], [.. TwoEntries, new(3, "d3", "c", "v2", "d2")]);

    [Fact]
    public void A_look_must_not_be_older_than_what_was_acknowledged() =>
        Refuses("shows nothing", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [Shows("v1", 31, 32)], TwoEntries);

    [Fact]
    public void A_look_must_not_be_older_than_an_earlier_look() =>
        Refuses("shows nothing", [Finalize(1, 0, 10), Finalize(2, 20, 90)], [Shows("v2", 30, 40), Shows("v1", 50, 60)], TwoEntries);

    [Fact]
    public void A_look_must_not_show_what_is_asked_for_later() =>
        Refuses("only after it", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [Shows("v2", 11, 12)], TwoEntries);

    [Fact]
    public void A_list_must_not_show_a_finalized_deploy_as_open() =>
        Refuses("shows nothing", [Finalize(1, 0, 10), Finalize(2, 20, 30)], [new(40, 50) { Deployed = ["d1"], Open = ["d2"] }], TwoEntries);

    [Fact]
    public void A_list_must_not_show_the_later_deploy_alone() =>
        Refuses("shows nothing", [Finalize(1, 0, 90), Finalize(2, 0, 90)], [new(40, 50) { Deployed = ["d2"], Open = ["d1"] }], TwoEntries);

    [Fact]
    public void A_deploy_that_is_in_no_revision_must_not_look_deployed() =>
        Refuses("shows nothing", [Finalize(1, 0, 10)], [new(40, 50) { Deployed = ["d7"] }], [TwoEntries[0]]);

    [Fact]
    public void The_judge_and_a_search_of_all_orders_always_agree()
    {
        var (accepted, refused) = (0, 0);
        var changeTimes = Gen.Select(Gen.Long[0, 30], Gen.Long[1, 20], Gen.Int[0, 4]).Array[0, 4];
        var lookTimes = Gen.Select(Gen.Long[0, 40], Gen.Long[1, 12], Gen.Int[0, 5]).Array[0, 3];
        Gen.Select(changeTimes, lookTimes).Sample((changesDrawn, looksDrawn) =>
        {
            var changes = changesDrawn.Select((times, i) => Finalize(i + 1, times.Item1, times.Item3 == 0 ? null : times.Item1 + times.Item2)).ToList();
            // The last one may be missing, and two contents repeat, so that a look can have several places.
            var log = changes.Where((change, i) => change.Answered is not null || i % 2 == 0)
                .Select((change, i) => new LogEntry(i + 1, change.Deploy!, change.Id, change.Content)).ToList();
            var looks = looksDrawn.Select(look => look.Item3 switch
            {
                0 => new Look(look.Item1, look.Item1 + look.Item2) { ShowsContent = true },
                5 => new Look(look.Item1, look.Item1 + look.Item2) { Deployed = ["d1"], Open = ["d3"] },
                var number => Shows($"v{number % 2 + 1}", look.Item1, look.Item1 + look.Item2),
            }).ToList();
            changes = [.. changes.Select(change => change with { Content = ContentOf(change.Content!) })];
            log = [.. log.Select(entry => entry with { Content = ContentOf(entry.Content!) })];

            var isLinear = LinearOrder.FindFault(changes, looks, log) is null;
            Interlocked.Increment(ref isLinear ? ref accepted : ref refused);

            return isLinear == HasOrder(changes, looks, log);
        }, iter: 20_000);
        Assert.True(accepted > 1000 && refused > 1000, $"{accepted} accepted, {refused} refused");

        static string ContentOf(string version) => version is "v1" or "v3" ? "v1" : "v2";
    }

    /// <summary>Tries every order that agrees with time, as Wing and Gong do.</summary>
    private static bool HasOrder(List<Change> changes, List<Look> looks, List<LogEntry> log)
    {
        var places = log.ToDictionary(entry => entry.Deploy, entry => (int)entry.Number, StringComparer.Ordinal);
        return Search([.. changes.Where(change => log.Any(entry => entry.Change == change.Id))], [.. looks], 0);

        bool Search(IReadOnlyList<Change> left, IReadOnlyList<Look> unseen, int place)
        {
            if (left.Count == 0 && unseen.Count == 0)
                return true;
            var firstAnswer = left.Select(change => change.Answered ?? long.MaxValue).Concat(unseen.Select(look => look.Answered)).Min();
            return left.Any(change => change.Began <= firstAnswer && log[place].Change == change.Id && Search([.. left.Where(other => other != change)], unseen, place + 1))
                || unseen.Any(look => look.Began <= firstAnswer && LinearOrder.Fits(look, log, places, place)
                    && Search(left, [.. unseen.Where(other => !ReferenceEquals(other, look))], place));
        }
    }

    private static Change Finalize(int number, long began, long? answered) =>
        new($"{(char)('a' + number - 1)}", began, answered) { Deploy = $"d{number}", Content = $"v{number}" };

    private static Change RollBack(string id, string target, long began, long? answered) => new(id, began, answered) { RollbackOf = target };

    private static Look Shows(string content, long began, long answered) => new(began, answered) { ShowsContent = true, Content = content };

    private static void Accepts(IReadOnlyList<Change> changes, IReadOnlyList<Look> looks, IReadOnlyList<LogEntry> log) =>
        Assert.Null(LinearOrder.FindFault(changes, looks, log));

    private static void Refuses(string fault, IReadOnlyList<Change> changes, IReadOnlyList<Look> looks, IReadOnlyList<LogEntry> log) =>
        Assert.Contains(fault, LinearOrder.FindFault(changes, looks, log) ?? "nothing", StringComparison.Ordinal);
}
