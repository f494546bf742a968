using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The symbolic links below the root, one per mount. The class changes no unmanaged files. A link is managed if it leads through
/// <c>.updraft/current</c> to its own path. A directory is managed if a state's record names it, or if it is empty.
/// </summary>
/// <param name="root">Root of the agent.</param>
/// <param name="stale">Mount paths of known states that the desired state does not have.</param>
/// <param name="createdDirectories">Directories that the agent created for mounts of known states.</param>
internal sealed class MountLinks(AgentRoot root, IEnumerable<string> stale, IEnumerable<string> createdDirectories)
{
    private readonly HashSet<string> _stale = new(stale, StringComparer.Ordinal);
    private readonly HashSet<string> _createdDirectories = new(createdDirectories, StringComparer.Ordinal);

    /// <summary>Verifies that no unmanaged file blocks a mount path. It changes no files.</summary>
    /// <exception cref="RevisionRejectedException">A mount path is blocked or invalid.</exception>
    public void Check(IReadOnlyList<DesiredMount> mounts)
    {
        foreach (var mount in mounts)
        {
            if (BundlePath.Problem(mount.Path) is { } problem)
                throw new RevisionRejectedException($"The mount path '{mount.Path}' {problem}.");
            if (IsWithin(mount.Path, AgentRoot.DirectoryName))
                throw new RevisionRejectedException(
                    $"The mount path '{mount.Path}' lies in the agent's own directory '{AgentRoot.DirectoryName}'. Choose another one.");
            if (mounts.FirstOrDefault(other => !ReferenceEquals(other, mount) && IsWithin(mount.Path, other.Path)) is { } outer)
                throw new RevisionRejectedException(
                    $"The mount path '{mount.Path}' lies within the mount path '{outer.Path}'. Mount paths must not contain each other.");
            if (!Digest.TryParse(mount.Manifest, out _))
                throw new RevisionRejectedException(
                    $"The mount '{mount.Path}' names the manifest '{mount.Manifest}', which is not a digest of 64 hexadecimal digits.");
            if (mount.Subfolder is { } directory && BundlePath.Problem(directory) is { } wrong)
                throw new RevisionRejectedException($"The directory '{directory}' of the mount '{mount.Path}' {wrong}.");
            CheckParents(mount.Path);
            CheckMountPath(mount.Path);
        }
    }

    /// <summary>Directories that the mounts need: those to create, and earlier created ones that are still in use.</summary>
    public IReadOnlyList<string> DirectoriesFor(IReadOnlyList<DesiredMount> mounts) => mounts.SelectMany(mount => Parents(mount.Path))
        .Distinct(StringComparer.Ordinal)
        .Where(directory => _createdDirectories.Contains(directory) || !Directory.Exists(FullPath(directory))
            || Parents(directory).Append(directory).Any(IsOwnLink))
        .ToList();

    /// <summary>Creates missing links. It first removes stale links that block a mount path.</summary>
    public void Link(IReadOnlyList<DesiredMount> mounts)
    {
        foreach (var path in mounts.Select(mount => mount.Path).Where(path => !IsOwnLink(path)))
        {
            foreach (var old in _stale.Where(old => IsWithin(path, old) || IsWithin(old, path)))
                RemoveLink(old);
            foreach (var directory in Parents(path).Where(directory => !Directory.Exists(FullPath(directory))))
            {
                root.MakeDirectory(FullPath(directory));
                Posix.FsyncDirectory(Path.GetDirectoryName(FullPath(directory))!);
            }
            if (Directory.Exists(FullPath(path)))
                Directory.Delete(FullPath(path));
            File.CreateSymbolicLink(FullPath(path), OwnTarget(path));
            Posix.FsyncDirectory(Path.GetDirectoryName(FullPath(path))!);
        }
    }

    /// <summary>Removes stale links, and the directories that the agent created for them.</summary>
    /// <returns>Mount paths of the links that stay, with the reason. The next flip tries again.</returns>
    public IReadOnlyList<(string Path, Exception Reason)> Unlink()
    {
        var failures = new List<(string, Exception)>();
        foreach (var path in _stale)
        {
            try
            {
                RemoveLink(path);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                failures.Add((path, exception));
            }
        }
        return failures;
    }

    private void CheckParents(string path)
    {
        foreach (var directory in Parents(path))
        {
            var fullPath = FullPath(directory);
            if (new FileInfo(fullPath).LinkTarget is { } target)
            {
                if (!IsOwnLink(directory) || !_stale.Contains(directory))
                    throw new RevisionRejectedException($"The mount path '{path}' passes through '{fullPath}', a symbolic link to "
                        + $"'{target}'. It must pass through directories only. Move the link away.");
                return;
            }
            if (File.Exists(fullPath))
                throw new RevisionRejectedException($"The mount path '{path}' passes through the file '{fullPath}'. "
                    + "It must pass through directories only. Move the file away.");
        }
    }

    private void CheckMountPath(string path)
    {
        var fullPath = FullPath(path);
        if (IsOwnLink(path))
            return;
        if (new FileInfo(fullPath).LinkTarget is { } target)
            throw new RevisionRejectedException(
                $"The mount path '{fullPath}' is a symbolic link to '{target}', which the agent did not create. Move it away.");
        if (FileStatus.IsMountPoint(fullPath))
            throw new RevisionRejectedException($"The mount path '{fullPath}' is a mount point, which the agent cannot replace with its "
                + $"link. Unmount it there, and mount the volume at '{root.Root}' instead.");
        if (File.Exists(fullPath))
            throw new RevisionRejectedException($"The mount path '{fullPath}' is a file, which the agent did not create. Move it away.");
        if (Directory.Exists(fullPath) && FindUnmanaged(path) is { } unmanaged)
            throw new RevisionRejectedException($"The mount path '{fullPath}' is a directory, which the agent did not create. "
                + $"It contains '{unmanaged}'. Move it away.");
    }

    /// <summary>Name of an unmanaged entry in a directory; null if there are only stale links and created directories.</summary>
    private string? FindUnmanaged(string directory)
    {
        foreach (var entry in new DirectoryInfo(FullPath(directory)).EnumerateFileSystemInfos())
        {
            var path = directory + "/" + entry.Name;
            if (IsOwnLink(path) && _stale.Contains(path))
                continue;
            if (entry.LinkTarget is not null || !_createdDirectories.Contains(path) || FileStatus.IsMountPoint(entry.FullName)
                || FindUnmanaged(path) is not null)
                return entry.Name;
        }
        return null;
    }

    private void RemoveLink(string path)
    {
        if (!IsOwnLink(path))
            return;
        File.Delete(FullPath(path));
        Posix.FsyncDirectory(Path.GetDirectoryName(FullPath(path))!);
        foreach (var directory in Parents(path).Reverse().TakeWhile(directory => _createdDirectories.Contains(directory)
            && Directory.Exists(FullPath(directory)) && new FileInfo(FullPath(directory)).LinkTarget is null
            && !Directory.EnumerateFileSystemEntries(FullPath(directory)).Any()))
        {
            Directory.Delete(FullPath(directory));
            Posix.FsyncDirectory(Path.GetDirectoryName(FullPath(directory))!);
        }
    }

    private bool IsOwnLink(string path) => new FileInfo(FullPath(path)).LinkTarget == OwnTarget(path);

    private string FullPath(string path) => Path.Join(root.Root, path);

    /// <summary>Relative target of the link of a mount: up to the root, then through <c>current</c>.</summary>
    private static string OwnTarget(string path) =>
        string.Concat(Enumerable.Repeat("../", path.Count(c => c == '/'))) + AgentRoot.DirectoryName + "/current/" + path;

    /// <summary>Parent directories of a path, outermost first.</summary>
    private static IEnumerable<string> Parents(string path)
    {
        for (var slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
            yield return path[..slash];
    }

    private static bool IsWithin(string path, string directory) =>
        path == directory || path.StartsWith(directory + "/", StringComparison.Ordinal);
}
