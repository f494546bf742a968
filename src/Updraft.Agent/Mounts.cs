using System.Globalization;
using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// What Airflow sees, and the one step that changes it. Below the root:
/// <code>
/// dags                     -> .updraft/current/dags              a link per mount, made before and removed after a flip
/// dbt/shop                 -> ../.updraft/current/dbt/shop
/// .updraft/
///   current                -> states/7                           renamed over: all mounts of a revision change at once
///   states/7/dags          -> ../../trees/DIGEST/dags            one link per mount, with its subfolder
///   states/7/dbt/shop      -> ../../../trees/DIGEST
///   states/7/.updraft         StateRecord; its time is when the state was left (no mount can have this name)
///   trees/DIGEST/             a whole tree; never changed, but for repairs and file times
///   spares/DIGEST/            links to the same files, for the next deploy to begin with
///   manifests/DIGEST          its manifest; its time is when the tree was last prepared or left
///   agent.json(.bak)          TrustedState
///   lock                      held while an agent runs
/// </code>
/// All links are relative, so that a root may be mounted elsewhere in another container.
/// </summary>
internal sealed class Mounts
{
    private const string RecordName = AgentRoot.FolderName;
    private readonly AgentRoot _root;
    private readonly LocalManifests _manifests;
    private readonly FileTimes _times;
    private readonly AgentLog _log;
    private readonly TimeProvider _clock;

    public Mounts(AgentRoot root, LocalManifests manifests, AgentLog log, TimeProvider clock)
    {
        (_root, _manifests, _log, _clock) = (root, manifests, log, clock);
        _times = new FileTimes(root, manifests, clock);
        ActiveName = new FileInfo(root.Current).LinkTarget is { } target ? Path.GetFileName(target) : null;
        Active = ActiveName is null ? null : ReadRecord(ActiveName);
        if (ActiveName is not null && Active is null)
            log.Error("state_unreadable", ("path", Path.Join(root.States, ActiveName)), ("consequence", "what is mounted stays"));
    }

    /// <summary>What Airflow sees; null for nothing, or when the record of it cannot be read.</summary>
    public StateRecord? Active { get; private set; }

    /// <summary>Name of the folder in <c>states</c> that is current; null for none.</summary>
    public string? ActiveName { get; private set; }

    /// <summary>Finds out whether a state could be flipped to, without changing anything.</summary>
    /// <exception cref="RevisionRejectedException">Something of somebody else is in the way, or a path cannot be a mount.</exception>
    public void Check(IReadOnlyList<DesiredMount> mounts) => Places(mounts).Check(mounts);

    /// <summary>
    /// Makes Airflow see a state whose trees are complete:
    /// <list type="number">
    /// <item>Check that nothing is in the way.</item>
    /// <item>Refresh the times of the files that differ.</item>
    /// <item>Write the state's folder.</item>
    /// <item>Make the root's links that are new.</item>
    /// <item>Flip <c>current</c>: one rename.</item>
    /// <item>Remove the root's links that are gone, and note when the state before was left.</item>
    /// </list>
    /// A crash in between leaves the state before or this one; <see cref="Tidy"/> removes the rest.
    /// </summary>
    /// <returns>How many files differ from what was mounted before.</returns>
    public int Activate(DesiredState desired)
    {
        // :: Step 1
        var places = Places(desired.Mounts);
        places.Check(desired.Mounts);
        if (Active is { } same && (same.Epoch, same.Revision) == (desired.Epoch, desired.Revision)
            && same.Mounts.SequenceEqual(desired.Mounts))
        {
            places.Link(desired.Mounts);
            return 0;
        }
        // :: Step 2
        var differing = _times.Refresh(Active, desired.Mounts);
        // :: Step 3
        var record = new StateRecord
        {
            Epoch = desired.Epoch,
            Revision = desired.Revision,
            Mounts = desired.Mounts,
            MadeFolders = places.DirectoriesFor(desired.Mounts),
        };
        var name = WriteState(record);
        // :: Step 4
        places.Link(desired.Mounts);
        // :: Step 5
        var link = _root.Temporary();
        File.CreateSymbolicLink(link, Path.Join("states", name));
        Posix.Rename(link, _root.Current);
        Posix.FsyncDirectory(_root.Own);
        var (before, beforeName) = (Active, ActiveName);
        (Active, ActiveName) = (record, name);
        // :: Step 6
        places.Unlink();
        if (before is not null && beforeName is not null)
            Leave(before, beforeName);
        return differing;
    }

    /// <summary>After a start: makes the root's links agree with <c>current</c>, whatever an interrupted flip left.</summary>
    public void Tidy()
    {
        if (Active is null)
            return;
        var places = Places(Active.Mounts);
        try
        {
            places.Check(Active.Mounts);
            places.Link(Active.Mounts);
        }
        catch (RevisionRejectedException exception)
        {
            _log.Error("mount_blocked", ("reason", exception.Message));
        }
        places.Unlink();
    }

    /// <summary>States other than the current one, most recently left first; a null record could not be read.</summary>
    public IReadOnlyList<(string Folder, StateRecord? Record, DateTime LeftAt)> Earlier() =>
        new DirectoryInfo(_root.States).EnumerateDirectories()
            .Where(folder => folder.Name != ActiveName)
            .Select(folder => (folder.FullName, ReadRecord(folder.Name), File.GetLastWriteTimeUtc(Path.Join(folder.FullName, RecordName))))
            .OrderByDescending(state => state.Item3)
            .ToList();

    /// <summary>The folder that a mount shows.</summary>
    public static string Target(AgentRoot root, DesiredMount mount) => Path.Join(root.Tree(Digest.Parse(mount.Manifest)), mount.Subfolder);

    private MountLinks Places(IReadOnlyList<DesiredMount> wanted)
    {
        var known = Earlier().Select(state => state.Record).Append(Active).OfType<StateRecord>().ToList();
        var stale = known.SelectMany(state => state.Mounts).Select(mount => mount.Path)
            .Except(wanted.Select(mount => mount.Path), StringComparer.Ordinal);
        return new MountLinks(_root, stale, known.SelectMany(state => state.MadeFolders));
    }

    private string WriteState(StateRecord record)
    {
        var name = record.Revision.ToString(CultureInfo.InvariantCulture);
        // The current folder may have this name when its record was lost, or in an earlier epoch.
        for (var again = 2; name == ActiveName || Directory.Exists(Path.Join(_root.States, name)) && ReadRecord(name) is { } other
            && (other.Epoch, other.Revision) != (record.Epoch, record.Revision); again++)
            name = $"{record.Revision}.{again}";
        var (folder, work) = (Path.Join(_root.States, name), Path.Join(_root.States, name + AgentRoot.PartialSuffix));
        foreach (var leftover in new[] { folder, work }.Where(Directory.Exists))
            AgentRoot.Remove(leftover);
        AgentRoot.MakeDirectory(work);
        foreach (var mount in record.Mounts)
        {
            var link = Path.Join(work, mount.Path);
            var parent = Path.GetDirectoryName(link)!;
            for (var made = parent; made.Length > work.Length; made = Path.GetDirectoryName(made)!)
                AgentRoot.MakeDirectory(made);
            File.CreateSymbolicLink(link, Path.GetRelativePath(parent, Target(_root, mount)));
            Posix.FsyncDirectory(parent);
        }
        AtomicFile.Write(Path.Join(work, RecordName), JsonSerializer.SerializeToUtf8Bytes(record, AgentFilesJson.Default.StateRecord),
            AgentRoot.FileMode);
        if (record.Mounts.Any(mount => mount.Path.Contains('/')))
            Posix.SyncFileSystem(work);
        Posix.Rename(work, folder);
        Posix.FsyncDirectory(_root.States);
        return name;
    }

    private void Leave(StateRecord state, string name)
    {
        File.SetLastWriteTimeUtc(Path.Join(_root.States, name, RecordName), _clock.GetUtcNow().UtcDateTime);
        foreach (var mount in state.Mounts)
            _manifests.Touch(Digest.Parse(mount.Manifest));
    }

    private StateRecord? ReadRecord(string name)
    {
        try
        {
            var path = Path.Join(_root.States, name, RecordName);
            var record = File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), AgentFilesJson.Default.StateRecord) : null;
            return record is not null && record.Mounts.All(IsSound) && record.MadeFolders.All(folder => BundlePath.Problem(folder) is null)
                ? record
                : null;
        }
        catch (JsonException)
        {
            return null;
        }
    }

    private static bool IsSound(DesiredMount mount) => BundlePath.Problem(mount.Path) is null && Digest.TryParse(mount.Manifest, out _)
        && (mount.Subfolder is null || BundlePath.Problem(mount.Subfolder) is null);
}
