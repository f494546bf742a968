using System.Buffers;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>File operations of a tree. Modes are 0644 or 0755, independent of the umask. No operation follows a symbolic link.</summary>
internal static class TreeFiles
{
    /// <summary>Most files and directories to sync one by one. For about ten or more, one sync of the file system was faster.</summary>
    private const int MaxSingleSyncs = 16;

    /// <summary>Creates a new file for writing.</summary>
    public static FileStream Create(string path, bool isExecutable)
    {
        var file = new FileStream(path, new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write, BufferSize = 0 });
        try
        {
            File.SetUnixFileMode(file.SafeFileHandle, isExecutable ? AgentRoot.ExecutableMode : AgentRoot.FileMode);
            return file;
        }
        catch
        {
            file.Dispose();
            throw;
        }
    }

    /// <summary>Whether a path is a regular file with the size and the mode of an entry. Its content is not read.</summary>
    public static bool MatchesMetadata(string path, in ManifestEntry entry)
    {
        // FileInfo calls lstat once, for all properties.
        var file = new FileInfo(path);
        return file.Exists && !file.Attributes.HasFlag(FileAttributes.ReparsePoint) && file.Length == entry.Size
            && file.UnixFileMode.HasFlag(UnixFileMode.UserExecute) == entry.IsExecutable;
    }

    /// <summary>Whether a path is a regular file with the metadata and the content of an entry.</summary>
    public static bool HasContent(string path, in ManifestEntry entry, CancellationToken cancellationToken)
    {
        if (!MatchesMetadata(path, entry))
            return false;
        using var file = new FileStream(Posix.OpenNoFollow(path), FileAccess.Read, bufferSize: 0);
        return Read(file, cancellationToken) == (entry.Content, entry.Size);
    }

    /// <summary>
    /// Creates a hard link to a file with the content of an entry. False if that is not possible, so that the caller must copy.
    /// </summary>
    public static bool TryLink(string source, string path, in ManifestEntry entry, VerifiedFiles verified,
        CancellationToken cancellationToken)
    {
        try
        {
            if (!verified.Has(source, entry, cancellationToken))
                return false;
            var before = FileStatus.Find(source);
            Posix.HardLink(source, path);
            verified.Renew(path, before);
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            // The file has too many links, or the file system or the owner forbids links.
            return false;
        }
    }

    /// <summary>Copies and verifies a content. False if the source does not have the content of the entry.</summary>
    public static bool TryCopy(string source, string path, in ManifestEntry entry, CancellationToken cancellationToken)
    {
        if (new FileInfo(source) is not { Exists: true, LinkTarget: null })
            return false;
        using var input = new FileStream(Posix.OpenNoFollow(source), FileAccess.Read, bufferSize: 0);
        using (var output = Create(path, entry.IsExecutable))
        {
            if (Read(input, cancellationToken, output) == (entry.Content, entry.Size))
                return true;
        }
        File.Delete(path);
        return false;
    }

    /// <summary>Makes new files and changed directories of a tree durable.</summary>
    public static void Sync(string work, List<ManifestEntry> files, HashSet<string> directories)
    {
        if (files.Count + directories.Count > MaxSingleSyncs)
        {
            Posix.SyncFileSystem(work);
            return;
        }
        foreach (var path in files.Select(entry => Path.Join(work, entry.Path)))
        {
            using var file = Posix.OpenNoFollow(path);
            Posix.Fsync(file, path);
        }
        foreach (var directory in directories)
            Posix.FsyncDirectory(directory);
    }

    private static (Digest Content, long Size) Read(FileStream file, CancellationToken cancellationToken, Stream? copy = null)
    {
        using var hash = new DigestBuilder();
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            long size = 0;
            int read;
            while ((read = file.Read(buffer)) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                size += read;
                hash.Append(buffer.AsSpan(0, read));
                copy?.Write(buffer, 0, read);
            }
            return (hash.Complete(), size);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
