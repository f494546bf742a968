using System.Text.RegularExpressions;

namespace Updraft.Rigs;

/// <summary>
/// Reads the lines of a trace and tracks the data that a power cut would lose: files and directories that changed after their last sync. A
/// change counts from the start of its call, and a sync counts from its end.
/// </summary>
/// <param name="data">Path of the data directory.</param>
/// <param name="journal">The acknowledged requests, in the order of their responses.</param>
internal sealed partial class DurableOrder(string data, IReadOnlyList<string> journal)
{
    private readonly Dictionary<string, (string Text, int Began)> _open = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int> _dirty = new(StringComparer.Ordinal);
    private int _time, _databaseSyncs, _blobs;

    public int Responses { get; private set; }

    public int Renames { get; private set; }

    public int Syncs { get; private set; }

    public void Read(string line)
    {
        _time++;
        if (Line().Match(line) is not { Success: true } match)
            return;
        var (thread, text) = (match.Groups["thread"].Value, match.Groups["text"].Value);
        if (text.EndsWith("<unfinished ...>", StringComparison.Ordinal))
        {
            _open[thread] = (text, _time);
            Begin(text);
        }
        else if (text.StartsWith("<... ", StringComparison.Ordinal))
        {
            if (_open.Remove(thread, out var open) && IsSuccess(text))
                End(open.Text, open.Began);
        }
        else
        {
            Begin(text);
            if (IsSuccess(text))
                End(text, _time);
        }
    }

    /// <summary>Requires that the trace contains every response. Otherwise an incomplete trace would pass.</summary>
    public void Complete() => ViolationException.Require(Responses == journal.Count && Renames > 0 && Syncs > 0, "order",
            $"The trace has {Responses} of {journal.Count} responses, {Renames} renames and {Syncs} syncs.");

    private void Begin(string text)
    {
        if (text.StartsWith("send", StringComparison.Ordinal) || text.StartsWith("write", StringComparison.Ordinal))
        {
            if (text.Contains("\"HTTP/1.1 20", StringComparison.Ordinal))
                Respond();
        }
        if (Write().Match(text) is { Success: true } write)
            MarkDirty(write.Groups["path"].Value);
    }

    private void End(string text, int began)
    {
        if (Sync().Match(text) is { Success: true } sync)
        {
            var path = sync.Groups["path"].Value;
            Syncs++;
            if (path.EndsWith("-wal", StringComparison.Ordinal))
                _databaseSyncs++;
            if (sync.Groups["call"].Value == "syncfs")
                _dirty.Clear();
            else if (_dirty.TryGetValue(path, out var since) && since <= began)
                _dirty.Remove(path);
        }
        else if (Rename().Match(text) is { Success: true } rename)
        {
            var (from, to) = (rename.Groups["from"].Value, rename.Groups["to"].Value);
            if (!to.StartsWith(data, StringComparison.Ordinal))
                return;
            Renames++;
            ViolationException.Require(!_dirty.ContainsKey(from), "order", $"{to} got its name before its bytes were durable");
            if (IsTemporary(to))
                return;
            _blobs++;
            MarkDirty(Path.GetDirectoryName(to)!);
        }
        else if (MakeDirectory().Match(text) is { Success: true } made)
        {
            MarkDirty(Path.GetDirectoryName(made.Groups["path"].Value)!);
        }
    }

    private void Respond()
    {
        var request = Responses < journal.Count ? journal[Responses] : "a request that no client sent";
        Responses++;
        // SQLite has one writer at a time. Entries of its log after the sync of this commit belong to the next transaction, which takes up
        // the event for webhooks. Without such a sync, the next check fails.
        var lost = _dirty.Keys.FirstOrDefault(
            path => !IsTemporary(path) && !(_databaseSyncs > 0 && path.EndsWith("-wal", StringComparison.Ordinal)));
        ViolationException.Require(lost is null, "order", $"the response to '{request}' was sent while {lost} was not durable");
        var isBlock = request.Contains("comp=block&", StringComparison.Ordinal);
        ViolationException.Require(isBlock || request.StartsWith("GET", StringComparison.Ordinal) || _databaseSyncs > 0, "order",
            $"the response to '{request}' was sent before the database was synced");
        ViolationException.Require(!request.StartsWith("PUT", StringComparison.Ordinal) || _blobs > 0, "order",
            $"the response to '{request}' was sent before anything was stored");
        (_databaseSyncs, _blobs) = (0, 0);
    }

    private void MarkDirty(string path)
    {
        // Checkpoints write the database from the synced log. SQLite never syncs the -shm file.
        if (path.StartsWith(data, StringComparison.Ordinal) && !path.EndsWith("-shm", StringComparison.Ordinal)
            && !path.EndsWith("updraft.db", StringComparison.Ordinal))
            _dirty[path] = _time;
    }

    private bool IsTemporary(string path) =>
        path == Path.Join(data, "blobs", "tmp") || path.StartsWith(Path.Join(data, "blobs", "tmp/"), StringComparison.Ordinal);

    private static bool IsSuccess(string text) =>
        text.LastIndexOf(" = ", StringComparison.Ordinal) is > 0 and var at && text[at + 3] != '-' && text[at + 3] != '?';

    [GeneratedRegex(@"^(?<thread>\d+) +(?<text>.*)$")]
    private static partial Regex Line();

    [GeneratedRegex(@"^(?:p?writev?(?:64)?|ftruncate)\(\d+<(?<path>/[^>]*)>")]
    private static partial Regex Write();

    [GeneratedRegex(@"^(?<call>fsync|fdatasync|syncfs)\(\d+<(?<path>[^>]*)>")]
    private static partial Regex Sync();

    [GeneratedRegex("^rename\\(\"(?<from>[^\"]*)\"(?:\\.\\.\\.)?, \"(?<to>[^\"]*)\"")]
    private static partial Regex Rename();

    [GeneratedRegex("^mkdir\\(\"(?<path>[^\"]*)\"")]
    private static partial Regex MakeDirectory();
}
