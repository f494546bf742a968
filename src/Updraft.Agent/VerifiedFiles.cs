using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Remembers files whose content had its digest, by inode and times. A program that changes such a file, even in place and with a
/// restored modification time, changes the time <c>ctime</c> as well. Then the agent reads the file again before it uses it. The memory
/// does not survive a restart, so no program can forge it.
/// </summary>
internal sealed class VerifiedFiles
{
    /// <summary>Number of remembered inodes at which the memory starts again, which only takes time: about 70 MB.</summary>
    private const int MaxFiles = 1_000_000;

    private readonly Lock _gate = new();
    private readonly Dictionary<ulong, (Digest Content, long Modified, long Changed)> _files = [];

    /// <summary>Remembers a file that the agent has just written or read completely.</summary>
    public void Add(string path, in ManifestEntry entry)
    {
        if (FileStatus.Find(path) is { IsRegular: true } status)
            Add(status, entry.Content);
    }

    /// <summary>
    /// Whether a path is a regular file with the metadata and the content of an entry. It reads the content only if the file may have
    /// changed since the agent verified it.
    /// </summary>
    public bool Has(string path, in ManifestEntry entry, CancellationToken cancellationToken)
    {
        if (FileStatus.Find(path) is not { IsRegular: true } status || status.Size != entry.Size
            || status.Mode.HasFlag(UnixFileMode.UserExecute) != entry.IsExecutable)
            return false;
        if (Knows(status, entry.Content))
            return true;
        if (!TreeFiles.HasContent(path, entry, cancellationToken))
            return false;
        // If a program changed the file while it was read, its status differs from this one and the next look reads it again.
        Add(status, entry.Content);
        return true;
    }

    /// <summary>Remembers a verified file again, after the agent itself changed its times or links.</summary>
    /// <param name="path">Path of the file.</param>
    /// <param name="before">Status before the change; null if the file was missing.</param>
    public void Renew(string path, FileStatus? before)
    {
        if (before is not { } old || FileStatus.Find(path) is not { } now)
            return;
        lock (_gate)
        {
            if (_files.TryGetValue(old.Inode, out var known) && (known.Modified, known.Changed) == (old.Modified, old.Changed)
                // Another inode is a copy, which the agent did not verify.
                && (old.Device, old.Inode, old.Size) == (now.Device, now.Inode, now.Size))
                Add(now, known.Content);
        }
    }

    /// <summary>
    /// Removes other trees, and remembers the given files afterwards. A removed tree can share their inodes, and the loss of a link changes
    /// their time <c>ctime</c>.
    /// </summary>
    /// <param name="paths">Files of the trees that stay. The method enumerates them twice.</param>
    /// <param name="remove">Removes the other trees.</param>
    public void RenewAfter(IEnumerable<string> paths, Action remove)
    {
        var before = paths.Select(FileStatus.Find).ToList();
        remove();
        foreach (var (index, path) in paths.Index())
            Renew(path, before[index]);
    }

    private bool Knows(in FileStatus status, Digest content)
    {
        lock (_gate)
            return _files.TryGetValue(status.Inode, out var known) && known == (content, status.Modified, status.Changed);
    }

    private void Add(in FileStatus status, Digest content)
    {
        lock (_gate)
        {
            if (_files.Count >= MaxFiles)
                _files.Clear();
            _files[status.Inode] = (content, status.Modified, status.Changed);
        }
    }
}
