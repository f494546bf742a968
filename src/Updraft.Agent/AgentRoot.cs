using Microsoft.Win32.SafeHandles;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The folder that stands for Airflow's home, and the agent's own folder in it. Holds the lock that keeps a second
/// agent out. <see cref="Mounts"/> draws what lies where.
/// </summary>
internal sealed class AgentRoot : IDisposable
{
    /// <summary>Name of the agent's own folder.</summary>
    public const string FolderName = ".updraft";

    /// <summary>Ending of a tree or state that is being built or thrown away; swept at start.</summary>
    public const string PartialSuffix = ".partial";

    public const UnixFileMode FileMode = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    public const UnixFileMode FolderMode = ExecutableMode;

    public const UnixFileMode ExecutableMode =
        FileMode | UnixFileMode.UserExecute | UnixFileMode.GroupExecute | UnixFileMode.OtherExecute;

    private readonly SafeFileHandle _lock;

    private AgentRoot(string root, SafeFileHandle rootLock) => (Root, _lock) = (root, rootLock);

    /// <summary>Airflow's home; the mount paths lie below it.</summary>
    public string Root { get; }

    public string Own => Path.Join(Root, FolderName);

    public string Trees => Path.Join(Own, "trees");

    /// <summary>See <see cref="PrebuiltTrees"/>.</summary>
    public string Spares => Path.Join(Own, "spares");

    public string Manifests => Path.Join(Own, "manifests");

    public string States => Path.Join(Own, "states");

    /// <summary>The link that is flipped.</summary>
    public string Current => Path.Join(Own, "current");

    public string Tree(Digest manifest) => Path.Join(Trees, manifest.ToString());

    public string Spare(Digest manifest) => Path.Join(Spares, manifest.ToString());

    public string Manifest(Digest manifest) => Path.Join(Manifests, manifest.ToString());

    /// <summary>A name in the agent's folder that nobody else has, for something that will be renamed to its place.</summary>
    public string Temporary() => Path.Join(Own, Path.GetRandomFileName() + AtomicFile.TemporarySuffix);

    /// <summary>Makes the agent's folders where they are missing and takes the lock.</summary>
    /// <exception cref="AgentExitException">75: another agent holds the root. 78: the root cannot be used.</exception>
    public static AgentRoot Open(string folder)
    {
        var root = Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder));
        var own = Path.Join(root, FolderName);
        try
        {
            Directory.CreateDirectory(root);
            foreach (var name in new[] { own, Path.Join(own, "trees"), Path.Join(own, "spares"), Path.Join(own, "manifests"), Path.Join(own, "states") })
            {
                // Somebody else's link here would send every later write somewhere else.
                if (new FileInfo(name).LinkTarget is not null)
                    throw new AgentExitException(ExitCode.Configuration, $"'{name}' is a symbolic link. It must be a folder.");
                MakeDirectory(name);
            }
            var path = Path.Join(own, "lock");
            if (!File.Exists(path))
                File.Create(path).Dispose();
            // Not opened by .NET, which takes a lock of its own on every file.
            var handle = Posix.OpenNoFollow(path);
            if (Posix.TryLock(handle, path))
                return new AgentRoot(root, handle);
            handle.Dispose();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new AgentExitException(ExitCode.Configuration, $"The root '{root}' cannot be used: {exception.Message}");
        }
        throw new AgentExitException(ExitCode.Busy, $"Another agent works on '{root}'. Stop it first, or give this one another --root.");
    }

    /// <summary>Makes a folder that everybody may read, whatever the umask.</summary>
    public static void MakeDirectory(string path)
    {
        Directory.CreateDirectory(path);
        File.SetUnixFileMode(path, FolderMode);
    }

    /// <summary>Removes what an agent that was killed left behind: temporary names, half-built trees and states.</summary>
    public void Sweep(AgentLog log)
    {
        foreach (var folder in new[] { Own, Trees, Manifests, States })
        {
            foreach (var entry in new DirectoryInfo(folder).EnumerateFileSystemInfos())
            {
                if (!entry.Name.EndsWith(AtomicFile.TemporarySuffix, StringComparison.Ordinal)
                    && !entry.Name.EndsWith(PartialSuffix, StringComparison.Ordinal))
                    continue;
                Remove(entry.FullName);
                log.Information("leftover_removed", ("path", entry.FullName));
            }
        }
    }

    /// <summary>Removes a file, a link (not what it leads to) or a folder with everything in it.</summary>
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
            // A folder that somebody made unreadable hides its content from the deletion: open all of them and try once more.
            OpenUp(new DirectoryInfo(path));
            Directory.Delete(path, recursive: true);
        }
    }

    private static void OpenUp(DirectoryInfo folder)
    {
        folder.UnixFileMode = FolderMode;
        foreach (var inner in folder.EnumerateDirectories().Where(inner => inner.LinkTarget is null))
            OpenUp(inner);
    }

    public void Dispose() => _lock.Dispose();
}
