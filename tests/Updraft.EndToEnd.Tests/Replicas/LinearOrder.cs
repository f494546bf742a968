namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>
/// Decides whether there is one order of everything that clients did to a Deployment in which each thing happens at one moment between its
/// request and its answer. The revision log is the order of the changes, so no order needs to be searched for: it is enough that the log
/// agrees with time, and that each look finds a place in it.
/// </summary>
internal sealed class LinearOrder
{
    private readonly IReadOnlyDictionary<string, Change> _changes;
    private readonly IReadOnlyList<LogEntry> _log;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);

    private LinearOrder(IReadOnlyDictionary<string, Change> changes, IReadOnlyList<LogEntry> log) => (_changes, _log) = (changes, log);

    /// <summary>Looks for what cannot be explained.</summary>
    /// <param name="changes">All finalizes and rollbacks, those without an answer too.</param>
    /// <param name="looks">All answers that showed something.</param>
    /// <param name="log">The revision log, by number.</param>
    /// <returns>What is wrong; null when there is such an order.</returns>
    public static string? FindFault(IReadOnlyCollection<Change> changes, IReadOnlyCollection<Look> looks, IReadOnlyList<LogEntry> log)
    {
        var order = new LinearOrder(changes.ToDictionary(change => change.Id, StringComparer.Ordinal), log);
        return order.FaultOfLog() ?? order.FaultOfTime() ?? order.FaultOfLooks(looks);
    }

    /// <summary>Whether a look is right between the entries number <paramref name="place"/> and the next; 0 is before the first.</summary>
    public static bool Fits(Look look, IReadOnlyList<LogEntry> log, IReadOnlyDictionary<string, int> places, int place) =>
        (!look.ShowsContent || look.Content == (place == 0 ? null : log[place - 1].Content))
        && look.Deployed.All(deploy => places.TryGetValue(deploy, out var at) && at <= place)
        && look.Open.All(deploy => !places.TryGetValue(deploy, out var at) || at > place);

    /// <summary>Every entry was asked for, once; every acknowledged change is there, with its content.</summary>
    private string? FaultOfLog()
    {
        var entries = new Dictionary<string, LogEntry>(StringComparer.Ordinal);
        for (var i = 0; i < _log.Count; i++)
        {
            var entry = _log[i];
            if (entry.Number != i + 1)
                return $"revision {entry.Number} stands where {i + 1} should be";
            if (!_changes.TryGetValue(entry.Change, out var change))
                return $"nobody asked for revision {entry.Number}: {entry}";
            if (!entries.TryAdd(entry.Change, entry))
                return $"{change} was carried out twice: as revisions {entries[entry.Change].Number} and {entry.Number}";
            if (change.Deploy is not null && change.Deploy != entry.Deploy)
                return $"revision {entry.Number} is of the deploy {entry.Deploy}, but the answer of {change} named another";
            if (change.RollbackOf != entry.RollbackOf)
                return $"revision {entry.Number} goes back to {entry.RollbackOf ?? "nothing"}, but {change} was asked for";
            if (entry.RollbackOf is not null && !_places.ContainsKey(entry.RollbackOf))
                return $"revision {entry.Number} goes back to {entry.RollbackOf}, which was not deployed before";
            var content = entry.RollbackOf is null ? change.Content : _log[_places[entry.RollbackOf] - 1].Content;
            if (content != entry.Content)
                return $"revision {entry.Number} has the content {entry.Content} instead of {content}";
            if (!_places.TryAdd(entry.Deploy, i + 1))
                return $"the deploy {entry.Deploy} made revisions {_places[entry.Deploy]} and {entry.Number}";
        }
        return _changes.Values.FirstOrDefault(change => change.Answered is not null && !entries.ContainsKey(change.Id)) is { } lost
            ? $"{lost} was acknowledged and is lost" : null;
    }

    /// <summary>No change comes before one that was answered before it began.</summary>
    private string? FaultOfTime()
    {
        Change? latest = null;
        foreach (var change in _log.Select(entry => _changes[entry.Change]))
        {
            if (latest is not null && change.Answered < latest.Began)
                return $"{change} was answered before {latest} began, but comes after it";
            if (latest is null || change.Began > latest.Began)
                latest = change;
        }
        return null;
    }

    /// <summary>
    /// Gives each look the first place that it can have, in the order in which they began; whatever bounds a look from below has begun
    /// before it. An earlier place never takes one from a later look, so when this finds none there is none.
    /// </summary>
    private string? FaultOfLooks(IReadOnlyCollection<Look> looks)
    {
        var changes = _log.Select((entry, i) => (Change: _changes[entry.Change], Place: i + 1)).ToList();
        var answered = changes.Where(change => change.Change.Answered is not null).Select(change => (Answered: change.Change.Answered!.Value, change.Place))
            .OrderBy(change => change.Answered).ToList();
        var begun = changes.Select(change => (change.Change.Began, change.Place)).OrderByDescending(change => change.Began).ToList();
        var seen = new PriorityQueue<int, long>();
        var (next, floor) = (0, 0);
        foreach (var look in looks.OrderBy(look => look.Began))
        {
            for (; next < answered.Count && answered[next].Answered < look.Began; next++)
                floor = Math.Max(floor, answered[next].Place);
            while (seen.TryPeek(out var earlier, out var when) && when < look.Began)
            {
                floor = Math.Max(floor, earlier);
                seen.Dequeue();
            }
            var place = floor;
            while (place <= _log.Count && !Fits(look, _log, _places, place))
                place++;
            if (place > _log.Count)
                return $"{Describe(look)} shows nothing that was there after revision {floor}, which had been acknowledged or seen when it began";
            var ceiling = begun.TakeWhile(change => change.Began > look.Answered).Select(change => change.Place).DefaultIfEmpty(int.MaxValue).Min();
            if (place >= ceiling)
                return $"{Describe(look)} shows revision {place}, but revision {ceiling} was asked for only after it";
            seen.Enqueue(place, look.Answered);
        }
        return null;
    }

    private static string Describe(Look look) =>
        $"a look from {look.Began} to {look.Answered} at '{look.Content}', deployed: {string.Join(' ', look.Deployed)}, open: {string.Join(' ', look.Open)}";
}
