using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The links below the root, one per mount. Touches nothing that the agent did not make: a link is its own when it leads
/// to <c>.updraft/current</c> and on to its own path, a folder when a state's record names it, or when it is empty.
/// </summary>
/// <param name="root">The root.</param>
/// <param name="stale">Paths of mounts that known states have and the wanted one has not.</param>
/// <param name="madeFolders">Folders that were made for mounts of known states.</param>
internal sealed class MountLinks(AgentRoot root, IEnumerable<string> stale, IEnumerable<string> madeFolders)
{
    private readonly HashSet<string> _stale = new(stale, StringComparer.Ordinal);
    private readonly HashSet<string> _made = new(madeFolders, StringComparer.Ordinal);

    /// <summary>Finds what is in the way, without changing anything.</summary>
    /// <exception cref="RevisionRejectedException">Says what is wrong and what helps.</exception>
    public void Check(IReadOnlyList<DesiredMount> mounts)
    {
        foreach (var mount in mounts)
        {
            if (BundlePath.Problem(mount.Path) is { } problem)
                throw new RevisionRejectedException($"The mount path '{mount.Path}' {problem}.");
            if (IsWithin(mount.Path, AgentRoot.FolderName))
                throw new RevisionRejectedException($"The mount path '{mount.Path}' lies in the agent's own folder.");
            if (mounts.FirstOrDefault(other => !ReferenceEquals(other, mount) && IsWithin(mount.Path, other.Path)) is { } outer)
                throw new RevisionRejectedException($"The mount path '{mount.Path}' lies within the mount path '{outer.Path}'.");
            if (!Digest.TryParse(mount.Manifest, out _))
                throw new RevisionRejectedException($"The mount '{mount.Path}' names the manifest '{mount.Manifest}', which is no digest.");
            if (mount.Subfolder is { } folder && BundlePath.Problem(folder) is { } wrong)
                throw new RevisionRejectedException($"The subfolder '{folder}' of the mount '{mount.Path}' {wrong}.");
            CheckParents(mount.Path);
            CheckMountPath(mount.Path);
        }
    }

    /// <summary>The folders that must be made for some mounts, and those made before that they still use.</summary>
    public IReadOnlyList<string> DirectoriesFor(IReadOnlyList<DesiredMount> mounts) => mounts.SelectMany(mount => Parents(mount.Path))
        .Distinct(StringComparer.Ordinal)
        .Where(folder => _made.Contains(folder) || !Directory.Exists(Place(folder)) || Parents(folder).Append(folder).Any(IsOwnLink))
        .ToList();

    /// <summary>Makes the links that are missing. Links of mounts that are gone are removed first where they are in the way.</summary>
    public void Link(IReadOnlyList<DesiredMount> mounts)
    {
        foreach (var path in mounts.Select(mount => mount.Path).Where(path => !IsOwnLink(path)))
        {
            foreach (var old in _stale.Where(old => IsWithin(path, old) || IsWithin(old, path)))
                RemoveLink(old);
            foreach (var folder in Parents(path).Where(folder => !Directory.Exists(Place(folder))))
            {
                AgentRoot.MakeDirectory(Place(folder));
                Posix.FsyncDirectory(Path.GetDirectoryName(Place(folder))!);
            }
            if (Directory.Exists(Place(path)))
                Directory.Delete(Place(path));
            File.CreateSymbolicLink(Place(path), LinkText(path));
            Posix.FsyncDirectory(Path.GetDirectoryName(Place(path))!);
        }
    }

    /// <summary>Removes the links of mounts that are gone, and the folders that were made for them.</summary>
    public void Unlink()
    {
        foreach (var path in _stale)
            RemoveLink(path);
    }

    private void CheckParents(string path)
    {
        foreach (var folder in Parents(path))
        {
            var place = Place(folder);
            if (new FileInfo(place).LinkTarget is { } target)
            {
                if (!IsOwnLink(folder) || !_stale.Contains(folder))
                    throw new RevisionRejectedException($"The mount path '{path}' passes through '{place}', a symbolic link to '{target}'.");
                return;
            }
            if (File.Exists(place))
                throw new RevisionRejectedException($"The mount path '{path}' passes through the file '{place}'. Move it away.");
        }
    }

    private void CheckMountPath(string path)
    {
        var place = Place(path);
        if (IsOwnLink(path))
            return;
        if (new FileInfo(place).LinkTarget is { } target)
            throw new RevisionRejectedException(
                $"At '{place}' stands a symbolic link to '{target}' that the agent did not make. Move it away.");
        if (File.Exists(place))
            throw new RevisionRejectedException($"At '{place}' stands a file that the agent did not make. Move it away.");
        if (Directory.Exists(place) && Foreign(path) is { } foreign)
            throw new RevisionRejectedException(
                $"At '{place}' stands a folder that the agent did not make; it holds '{foreign}'. Move it away.");
    }

    /// <summary>Something in a folder that is neither an old link of the agent nor a folder made for one.</summary>
    private string? Foreign(string folder)
    {
        foreach (var entry in new DirectoryInfo(Place(folder)).EnumerateFileSystemInfos())
        {
            var path = folder + "/" + entry.Name;
            if (IsOwnLink(path) && _stale.Contains(path))
                continue;
            if (entry.LinkTarget is not null || !_made.Contains(path) || Foreign(path) is not null)
                return entry.Name;
        }
        return null;
    }

    private void RemoveLink(string path)
    {
        if (!IsOwnLink(path))
            return;
        File.Delete(Place(path));
        Posix.FsyncDirectory(Path.GetDirectoryName(Place(path))!);
        foreach (var folder in Parents(path).Reverse().TakeWhile(folder => _made.Contains(folder) && Directory.Exists(Place(folder))
            && new FileInfo(Place(folder)).LinkTarget is null && !Directory.EnumerateFileSystemEntries(Place(folder)).Any()))
        {
            Directory.Delete(Place(folder));
            Posix.FsyncDirectory(Path.GetDirectoryName(Place(folder))!);
        }
    }

    private bool IsOwnLink(string path) => new FileInfo(Place(path)).LinkTarget == LinkText(path);

    private string Place(string path) => Path.Join(root.Root, path);

    /// <summary>What the link of a mount says: up to the root, then through <c>current</c>.</summary>
    private static string LinkText(string path) =>
        string.Concat(Enumerable.Repeat("../", path.Count(c => c == '/'))) + AgentRoot.FolderName + "/current/" + path;

    /// <summary>The folders on the way to a path, outermost first.</summary>
    private static IEnumerable<string> Parents(string path)
    {
        for (var slash = path.IndexOf('/'); slash >= 0; slash = path.IndexOf('/', slash + 1))
            yield return path[..slash];
    }

    private static bool IsWithin(string path, string folder) =>
        path == folder || path.StartsWith(folder + "/", StringComparison.Ordinal);
}
