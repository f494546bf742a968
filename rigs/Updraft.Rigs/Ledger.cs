using System.Collections.Concurrent;
using System.Globalization;

namespace Updraft.Rigs;

/// <summary>A bundle version from the server, and the uploaded files.</summary>
internal sealed record Uploaded(string Version, FileTree Tree, string? Folder);

/// <summary>A deploy that must be in the history.</summary>
internal sealed class LedgerRow
{
    public required string Id { get; init; }

    /// <summary>Mount path below Airflow's home; <c>dags</c> for DAGs.</summary>
    public required string Mount { get; init; }

    public string? UploadUrl { get; init; }

    public string? RollbackFrom { get; init; }

    public List<Uploaded> Uploads { get; } = [];

    public string? Finalized { get; set; }

    /// <summary>State of the Deployment after this deploy, by mount path; null before the finalize.</summary>
    public IReadOnlyDictionary<string, Uploaded>? Snapshot { get; set; }

    public bool IsBundle => Mount != "dags";
}

/// <summary>An operation without a response so far.</summary>
internal abstract record Pending
{
    public sealed record Create(string Mount) : Pending;

    public sealed record Finish(LedgerRow Row, string Version) : Pending;

    public sealed record RollBack(LedgerRow Target) : Pending;
}

/// <summary>
/// Results that one Deployment's client received. One client sends all requests for a Deployment, one after another. So at most one
/// operation is open when the server dies: it took effect completely, or not at all. The results of all other operations are certain.
/// </summary>
internal sealed class Ledger(string id, string path, string agentToken)
{
    private readonly ConcurrentQueue<string> _log = new();
    private int _stamps;

    public string Id => id;

    /// <summary>Path of the Deployment's URL.</summary>
    public string Path => path;

    public string AgentToken => agentToken;

    public List<LedgerRow> Rows { get; } = [];

    public IReadOnlyDictionary<string, Uploaded> State { get; private set; } = new Dictionary<string, Uploaded>();

    /// <summary>Number of acknowledged finalizes and rollbacks, which is the revision.</summary>
    public long Revision { get; private set; }

    public string LastVersion { get; private set; } = "";

    /// <summary>The operation without a response; null for none.</summary>
    public Pending? Pending
    {
        get;
        set => (field, LastOpen) = (value, value ?? LastOpen);
    }

    /// <summary>The latest operation that was open. An operation with an error response may also have taken effect.</summary>
    public Pending? LastOpen { get; private set; }

    /// <summary>Every uploaded tree, by its stamp.</summary>
    public ConcurrentDictionary<string, FileTree> Trees { get; } = new();

    /// <summary>Every combination of trees that a revision may have, as <c>Key</c> writes it.</summary>
    public ConcurrentDictionary<string, bool> Possible { get; } = new();

    public IEnumerable<string> Tail => _log.TakeLast(12);

    public string NextStamp() => string.Create(CultureInfo.InvariantCulture, $"{id}.{_stamps++}");

    public void Note(string text) => _log.Enqueue(text);

    public void Upload(LedgerRow row, Uploaded uploaded)
    {
        ViolationException.Require(string.CompareOrdinal(uploaded.Version, LastVersion) > 0, "I4",
            $"the version {uploaded.Version} came after {LastVersion}");
        LastVersion = uploaded.Version;
        row.Uploads.Add(uploaded);
    }

    /// <summary>The state after a finalize with this version.</summary>
    public IReadOnlyDictionary<string, Uploaded> After(LedgerRow row, string version)
    {
        var next = State.ToDictionary();
        next.Remove(row.Mount);
        if (version.Length > 0)
            next[row.Mount] = row.Uploads.Single(upload => upload.Version == version);
        return next;
    }

    public void Finish(LedgerRow row, string version)
    {
        (row.Snapshot, row.Finalized) = (After(row, version), version);
        (State, Revision) = (row.Snapshot, Revision + 1);
    }

    public void RollBack(LedgerRow row, LedgerRow target)
    {
        row.Snapshot = target.Snapshot;
        Rows.Add(row);
        (State, Revision) = (target.Snapshot!, Revision + 1);
    }

    public static string Key(IEnumerable<(string Mount, string Stamp)> mounts) =>
        string.Join(';', mounts.OrderBy(mount => mount.Mount, StringComparer.Ordinal).Select(mount => $"{mount.Mount}={mount.Stamp}"));

    public static string Key(IReadOnlyDictionary<string, Uploaded> state) =>
        Key(state.Select(mount => (mount.Key, mount.Value.Tree.Stamp)));
}
