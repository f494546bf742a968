using Microsoft.Win32.SafeHandles;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The directory that stands for Airflow's home, with the agent's own directory in it. It holds the lock that excludes a second
/// agent. <see cref="Mounts"/> documents the layout.
/// </summary>
internal sealed class AgentRoot : IDisposable
{
    /// <summary>Name of the agent's own directory.</summary>
    public const string DirectoryName = ".updraft";

    /// <summary>Suffix of a tree or state that the agent builds or deletes. The start removes leftovers.</summary>
    public const string PartialSuffix = ".partial";

    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public const UnixFileMode DirectoryMode = ExecutableMode;

    public const UnixFileMode ExecutableMode =
        FileMode | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly SafeFileHandle _lock;
    private readonly bool _isShared;

    private AgentRoot(string root, SafeFileHandle rootLock, bool isShared) => (Root, _lock, _isShared) = (root, rootLock, isShared);

    /// <summary>Mode of files for the agent only: 0600. If the group may write to the root, it may read them: 0640.</summary>
    public UnixFileMode PrivateMode =>
        UnixFileMode.UserRead | UnixFileMode.UserWrite | (_isShared ? UnixFileMode.GroupRead : UnixFileMode.None);

    /// <summary>Absolute path of Airflow's home. Mount paths are below it.</summary>
    public string Root { get; }

    public string Own => Path.Join(Root, DirectoryName);

    public string Trees => Path.Join(Own, "trees");

    /// <summary>See <see cref="PrebuiltTrees"/>.</summary>
    public string PrebuiltTrees => Path.Join(Own, "spares");

    public string Manifests => Path.Join(Own, "manifests");

    public string States => Path.Join(Own, "states");

    /// <summary>Symbolic link to the active state. A flip replaces it.</summary>
    public string Current => Path.Join(Own, "current");

    public string Tree(Digest manifest) => Path.Join(Trees, manifest.ToString());

    public string PrebuiltTree(Digest manifest) => Path.Join(PrebuiltTrees, manifest.ToString());

    public string Manifest(Digest manifest) => Path.Join(Manifests, manifest.ToString());

    /// <summary>Unique temporary path in the agent's own directory, for a later rename.</summary>
    public string Temporary() => Path.Join(Own, Path.GetRandomFileName() + AtomicFile.TemporarySuffix);

    /// <summary>Creates missing directories of the agent, and takes the lock.</summary>
    /// <exception cref="AgentExitException">75: another agent uses the root. 78: the root cannot be used.</exception>
    public static AgentRoot Open(string directory)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(directory));
        var own = Path.Join(root, DirectoryName);
        try
        {
            Directory.CreateDirectory(root);
            var isShared = FileStatus.Of(root).Mode.HasFlag(UnixFileMode.GroupWrite);
            string[] names = ["trees", "spares", "manifests", "states"];
            foreach (var name in names.Select(name => Path.Join(own, name)).Prepend(own))
            {
                // A symbolic link here would redirect all later writes.
                if (new FileInfo(name).LinkTarget is not null)
                    throw new AgentExitException(ExitCode.Configuration,
                        $"'{name}' is a symbolic link. It must be a directory. Remove the link.");
                CheckAccess(root, Directory.Exists(name) ? name : Path.GetDirectoryName(name)!);
                MakeDirectory(name, isShared);
                if (name != own && FileStatus.IsMountPoint(name))
                    throw new AgentExitException(ExitCode.Configuration, $"'{name}' is a mount point. The agent renames files between its "
                        + $"directories, so they must be in one file system. Unmount it, and mount the volume at '{root}'.");
            }
            var path = Path.Join(own, "lock");
            if (FileStatus.Find(path) is null)
                CreateLock(path, isShared);
            // .NET would take its own lock on the file, so a system call opens it.
            if (Posix.OpenLocked(path) is { } handle)
                return new AgentRoot(root, handle, isShared);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AgentExitException(ExitCode.Configuration, $"The root '{root}' cannot be used: {ErrorReason.Of(exception)} "
                + $"The agent runs as the user {Posix.EffectiveUser}, and must be able to write to the directory.");
        }
        throw new AgentExitException(ExitCode.Busy,
            $"Another agent uses the root '{root}'. A root can have one agent. Stop the other one, or choose another --root.");
    }

    /// <summary>
    /// Creates a directory with mode 0755, independent of the umask. If the group may write to the root, it may write to the directory
    /// too, so that an agent with another user id and the same group can go on. A directory of another user keeps its mode.
    /// </summary>
    public void MakeDirectory(string path) => MakeDirectory(path, _isShared);

    /// <summary>Sets the modification time of a file, and keeps its content and mode.</summary>
    /// <param name="path">Path of a regular file.</param>
    /// <param name="time">The new time, in UTC.</param>
    /// <param name="isShared">Whether other trees have hard links to the file, whose time must stay. Then a copy replaces it.</param>
    public void SetTime(string path, DateTime time, bool isShared = false)
    {
        // Only the owner of a file may set its time.
        if (isShared || Posix.EffectiveUser is not 0 and var own && FileStatus.Of(path).Owner != own)
        {
            var copy = Temporary();
            File.Copy(path, copy);
            using (var file = Posix.OpenNoFollow(copy))
                Posix.Fsync(file, copy);
            Posix.Rename(copy, path);
            Posix.FsyncDirectory(Path.GetDirectoryName(path)!);
        }
        File.SetLastWriteTimeUtc(path, time);
    }

    private static void MakeDirectory(string path, bool isShared)
    {
        Directory.CreateDirectory(path);
        var (status, own) = (FileStatus.Of(path), Posix.EffectiveUser);
        // The bit SetGroup lets new entries inherit the group of the volume.
        var mode = status.Mode & UnixFileMode.SetGroup | DirectoryMode | (isShared ? UnixFileMode.GroupWrite : UnixFileMode.None);
        if (status.Mode != mode && (own == 0 || status.Owner == own))
            File.SetUnixFileMode(path, mode);
    }

    private static void CreateLock(string path, bool isShared)
    {
        // It must not follow a symbolic link, so the file must be new.
        using var file = new FileStream(path, System.IO.FileMode.CreateNew, FileAccess.Write);
        File.SetUnixFileMode(file.SafeFileHandle, isShared ? FileMode | UnixFileMode.GroupWrite : FileMode);
    }

    private static void CheckAccess(string root, string directory)
    {
        if (Posix.MayUse(directory) || FileStatus.Find(directory) is not { } status)
            return;
        throw new AgentExitException(ExitCode.Configuration, $"The root '{root}' cannot be used: '{directory}' belongs to the user "
            + $"{status.Owner}, and the user of the agent, {Posix.EffectiveUser}, may not write to it. Run the agent as the user "
            + $"{status.Owner}, or make the root and everything in it writable for a group that both users have.");
    }

    public void Dispose() => _lock.Dispose();
}
