using System.Globalization;
using System.Text.Json;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The mounts that Airflow sees, and the flip that changes them. Below the root:
/// <code>
/// dags                     -> .updraft/current/dags              one link per mount, created before and removed after a flip
/// dbt/shop                 -> ../.updraft/current/dbt/shop
/// .updraft/
///   current                -> states/7                           replaced by rename: all mounts of a revision change at once
///   states/7/dags          -> ../../trees/DIGEST/dags            one link per mount, to the tree or a directory in it
///   states/7/dbt/shop      -> ../../../trees/DIGEST
///   states/7/.updraft         StateRecord; its time is when the state was left (no mount can have this name)
///   trees/DIGEST/             a complete tree; only repairs and file times change it
///   spares/DIGEST/            a prebuilt tree: hard links to the same files, for the next deploy
///   manifests/DIGEST          the manifest of a tree; its time is when the tree was last prepared or left
///   agent.json(.bak)          TrustedState
///   lock                      locked while an agent runs
/// </code>
/// All links are relative, so that another container can mount the root at another path.
/// </summary>
internal sealed class Mounts
{
    private const string RecordName = AgentRoot.DirectoryName;
    private readonly AgentRoot _root;
    private readonly LocalManifests _manifests;
    private readonly FileTimes _times;
    private readonly Removal _removal;
    private readonly AgentLog _log;
    private readonly TimeProvider _clock;

    /// <summary>States that a flip has replaced, and whose end is not yet recorded because of an I/O error.</summary>
    private readonly List<(StateRecord Record, string Name)> _left = [];

    public Mounts(AgentRoot root, FileTimes times, LocalManifests manifests, Removal removal, AgentLog log, TimeProvider clock)
    {
        (_root, _manifests, _times, _removal, _log, _clock) = (root, manifests, times, removal, log, clock);
        ReadCurrent();
        if (ActiveName is not null && Active is null)
            log.Error("state_record_damaged", ("path", Path.Join(root.States, ActiveName)),
                ("consequence", "The mounted files stay. The next deploy writes a new record."));
    }

    /// <summary>State that Airflow sees; null if there is none, or if its record cannot be read.</summary>
    public StateRecord? Active { get; private set; }

    /// <summary>Name of the current directory in <c>states</c>; null for none.</summary>
    public string? ActiveName { get; private set; }

    /// <summary>Whether the trees that Airflow sees are known: the record of the state that <c>current</c> names was read.</summary>
    public bool IsCertain => CurrentName == ActiveName && (ActiveName is null || Active is not null);

    private string? CurrentName => new FileInfo(_root.Current).LinkTarget is { } target ? Path.GetFileName(target) : null;

    /// <summary>Verifies that mounts can be activated. It changes no files.</summary>
    /// <exception cref="RevisionRejectedException">An unmanaged file blocks a mount path, or a mount path is invalid.</exception>
    public void Check(IReadOnlyList<DesiredMount> mounts) => LinksFor(mounts).Links.Check(mounts);

    /// <summary>
    /// Makes a state visible to Airflow. Its trees must be complete.
    /// <list type="number">
    /// <item>Verify that no unmanaged file blocks a mount path.</item>
    /// <item>Set the times of the files that differ.</item>
    /// <item>Write the state's directory.</item>
    /// <item>Create new links in the root.</item>
    /// <item>Flip <c>current</c> with one rename.</item>
    /// <item>Remove stale links from the root, and record the time at which the earlier state was left.</item>
    /// </list>
    /// After a crash, either the earlier state or this one is active, and <see cref="RepairLinks"/> removes the leftovers.
    /// </summary>
    /// <returns>Number of files that differ from the earlier state.</returns>
    public int Activate(DesiredState desired)
    {
        // :: Step 1
        // After an I/O error, the link decides which state is active, and not the memory.
        if (CurrentName != ActiveName)
            ReadCurrent();
        var (links, known) = LinksFor(desired.Mounts);
        links.Check(desired.Mounts);
        if (Active is { } same && (same.Epoch, same.Revision) == (desired.Epoch, desired.Revision)
            && same.Mounts.SequenceEqual(desired.Mounts))
        {
            links.Link(desired.Mounts);
            Complete(links);
            return 0;
        }
        // :: Step 2
        var (differing, lastTime) = _times.Refresh(Active, desired.Mounts, known.Max(state => state.LastFileTime) ?? 0);
        // :: Step 3
        var record = new StateRecord
        {
            Epoch = desired.Epoch,
            Revision = desired.Revision,
            Mounts = desired.Mounts,
            CreatedDirectories = links.DirectoriesFor(desired.Mounts),
            LastFileTime = lastTime,
        };
        var name = WriteState(record);
        // :: Step 4
        links.Link(desired.Mounts);
        // :: Step 5
        var link = _root.Temporary();
        File.CreateSymbolicLink(link, Path.Join("states", name));
        Posix.Rename(link, _root.Current);
        // Airflow sees the state from here on, even if the rest fails. A retry completes it.
        if (Active is not null && ActiveName is not null)
            _left.Add((Active, ActiveName));
        (Active, ActiveName) = (record, name);
        // :: Step 6
        Complete(links);
        return differing;
    }

    /// <summary>Makes a flip durable, and removes what only the earlier state needed.</summary>
    private void Complete(MountLinks links)
    {
        Posix.FsyncDirectory(_root.Own);
        Unlink(links);
        while (_left.Count > 0)
        {
            MarkLeft(_left[0].Record, _left[0].Name);
            _left.RemoveAt(0);
        }
    }

    /// <summary>
    /// Creates an empty directory for DAGs before the first flip. Python never finds modules in a directory that was missing at the
    /// start of Airflow. The flip replaces the directory.
    /// </summary>
    public void CreateFirstDirectory()
    {
        var directory = Path.Join(_root.Root, "dags");
        if (ActiveName is not null || FileStatus.Find(directory) is not null)
            return;
        try
        {
            _root.MakeDirectory(directory);
            Posix.FsyncDirectory(_root.Root);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _log.Warning("first_directory_failed", ("path", directory), ("reason", ErrorReason.Of(exception)));
        }
    }

    /// <summary>Repairs the root's links at the start, because an interrupted flip can leave missing or stale ones.</summary>
    public void RepairLinks()
    {
        if (Active is null)
            return;
        var (links, _) = LinksFor(Active.Mounts);
        try
        {
            links.Check(Active.Mounts);
            links.Link(Active.Mounts);
        }
        catch (RevisionRejectedException exception)
        {
            _log.Error("mount_blocked", ("reason", exception.Message));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _log.Error("mount_blocked", ("reason", ErrorReason.Of(exception)));
        }
        Unlink(links);
    }

    private void Unlink(MountLinks links)
    {
        foreach (var (path, exception) in links.Unlink())
            _log.Warning("unmount_failed", ("mount", path), ("reason", ErrorReason.Of(exception)));
    }

    private void ReadCurrent()
    {
        ActiveName = CurrentName;
        Active = ActiveName is null ? null : ReadRecord(ActiveName);
    }

    /// <summary>All states but the current one, most recently left first. A record is null if it cannot be read.</summary>
    public IReadOnlyList<(string Directory, StateRecord? Record, DateTime LeftAt)> EarlierStates()
    {
        var current = CurrentName;
        return new DirectoryInfo(_root.States).EnumerateDirectories()
            .Where(directory => directory.Name != ActiveName && directory.Name != current)
            .Select(directory => (directory.FullName, ReadRecord(directory.Name),
                File.GetLastWriteTimeUtc(Path.Join(directory.FullName, RecordName))))
            .OrderByDescending(state => state.Item3)
            .ToList();
    }

    /// <summary>Directory of a tree that Airflow sees at the mount path.</summary>
    public static string Target(AgentRoot root, DesiredMount mount) =>
        Path.Join(root.Tree(Digest.Parse(mount.Manifest)), mount.Subfolder);

    private (MountLinks Links, List<StateRecord> Known) LinksFor(IReadOnlyList<DesiredMount> wanted)
    {
        var known = EarlierStates().Select(state => state.Record).Append(Active).OfType<StateRecord>().ToList();
        var stale = known.SelectMany(state => state.Mounts).Select(mount => mount.Path)
            .Except(wanted.Select(mount => mount.Path), StringComparer.Ordinal);
        return (new MountLinks(_root, stale, known.SelectMany(state => state.CreatedDirectories)), known);
    }

    private string WriteState(StateRecord record)
    {
        var name = record.Revision.ToString(CultureInfo.InvariantCulture);
        for (var suffix = 2; IsTaken(name); suffix++)
            name = $"{record.Revision}.{suffix}";
        var (directory, work) = (Path.Join(_root.States, name), Path.Join(_root.States, name + AgentRoot.PartialSuffix));
        _root.MakeDirectory(work);
        foreach (var mount in record.Mounts)
        {
            var link = Path.Join(work, mount.Path);
            var parent = Path.GetDirectoryName(link)!;
            for (var ancestor = parent; ancestor.Length > work.Length; ancestor = Path.GetDirectoryName(ancestor)!)
                _root.MakeDirectory(ancestor);
            File.CreateSymbolicLink(link, Path.GetRelativePath(parent, Target(_root, mount)));
            Posix.FsyncDirectory(parent);
        }
        AtomicFile.Write(Path.Join(work, RecordName), JsonSerializer.SerializeToUtf8Bytes(record, AgentFilesJson.Default.StateRecord),
            AgentRoot.FileMode);
        if (record.Mounts.Any(mount => mount.Path.Contains('/')))
            Posix.SyncFileSystem(work);
        Posix.Rename(work, directory);
        Posix.FsyncDirectory(_root.States);
        return name;

        // The current directory can have the name too: if its record was lost, or if it is from an earlier epoch. It is never removed.
        bool IsTaken(string candidate)
        {
            var taken = Path.Join(_root.States, candidate);
            return candidate == ActiveName || candidate == CurrentName
                || Directory.Exists(taken) && (ReadRecord(candidate) is { } other
                    && (other.Epoch, other.Revision) != (record.Epoch, record.Revision) || !_removal.Discard(taken))
                || Directory.Exists(taken + AgentRoot.PartialSuffix) && !_removal.TryRemove(taken + AgentRoot.PartialSuffix);
        }
    }

    private void MarkLeft(StateRecord state, string name)
    {
        var path = Path.Join(_root.States, name, RecordName);
        if (File.Exists(path))
            _root.SetTime(path, _clock.GetUtcNow().UtcDateTime);
        foreach (var mount in state.Mounts)
            _manifests.Touch(Digest.Parse(mount.Manifest));
    }

    private StateRecord? ReadRecord(string name)
    {
        try
        {
            var path = Path.Join(_root.States, name, RecordName);
            var record = File.Exists(path) ? JsonSerializer.Deserialize(File.ReadAllBytes(path), AgentFilesJson.Default.StateRecord) : null;
            return record is not null && record.Mounts.All(IsValid)
                && record.CreatedDirectories.All(directory => BundlePath.Problem(directory) is null)
                ? record
                : null;
        }
        catch (Exception exception) when (exception is JsonException or IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static bool IsValid(DesiredMount mount) => BundlePath.Problem(mount.Path) is null && Digest.TryParse(mount.Manifest, out _)
        && (mount.Subfolder is null || BundlePath.Problem(mount.Subfolder) is null);
}
