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

    private AgentRoot(string root, SafeFileHandle rootLock) => (Root, _lock) = (root, rootLock);

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
            string[] names = ["trees", "spares", "manifests", "states"];
            foreach (var name in names.Select(name => Path.Join(own, name)).Prepend(own))
            {
                // A symbolic link here would redirect all later writes.
                if (new FileInfo(name).LinkTarget is not null)
                    throw new AgentExitException(ExitCode.Configuration,
                        $"'{name}' is a symbolic link. It must be a directory. Remove the link.");
                MakeDirectory(name);
            }
            var path = Path.Join(own, "lock");
            if (!File.Exists(path))
                File.Create(path).Dispose();
            // .NET would take its own lock on the file, so a system call opens it.
            var handle = Posix.OpenNoFollow(path);
            if (Posix.TryLock(handle, path))
                return new AgentRoot(root, handle);
            handle.Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AgentExitException(ExitCode.Configuration, $"The root '{root}' cannot be used: {exception.Message} "
                + "The agent must own the directory and be able to write to it.");
        }
        throw new AgentExitException(ExitCode.Busy,
            $"Another agent uses the root '{root}'. A root can have one agent. Stop the other one, or choose another --root.");
    }

    /// <summary>Creates a directory with mode 0755, independent of the umask.</summary>
    public static void MakeDirectory(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, DirectoryMode);
    }

    /// <summary>Removes leftovers of an agent that was killed: temporary files, and incomplete trees and states.</summary>
    public void Sweep(AgentLog log)
    {
        foreach (var directory in new[] { Own, Trees, Manifests, States })
        {
            foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos())
            {
                if (!entry.Name.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal)
                    && !entry.Name.EndsWith(PartialSuffix, StringComparison.Ordinal))
                    continue;
                Remove(entry.FullName);
                log.Information("leftover_removed", ("path", entry.FullName));
            }
        }
    }

    /// <summary>Removes a file, a symbolic link (but not its target), or a directory with its content.</summary>
    public static void Remove(string path)
    {
        if (new FileInfo(path).LinkTarget is not null || !Directory.Exists(path))
        {
            File.Delete(path);
            return;
        }
        try
        {
            Directory.Delete(path, recursive: true);
        }
        catch (UnauthorizedAccessException)
        {
            // The content of an unreadable directory cannot be deleted, so all directories become readable before a second attempt.
            GrantAccess(new DirectoryInfo(path));
            Directory.Delete(path, recursive: true);
        }
    }

    private static void GrantAccess(DirectoryInfo directory)
    {
        directory.UnixFileMode = DirectoryMode;
        foreach (var inner in directory.EnumerateDirectories().Where(inner => inner.LinkTarget is null))
            GrantAccess(inner);
    }

    public void Dispose() => _lock.Dispose();
}
