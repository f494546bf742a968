using System.Buffers;
using System.Security.Cryptography;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>The file operations of a tree. Modes are 0644 or 0755, whatever the umask; nothing follows a link.</summary>
internal static class TreeFiles
{
    /// <summary>Makes a new file to be filled.</summary>
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

    /// <summary>Whether a regular file, not a link, of the right size stands there.</summary>
    public static bool Looks(string path, in ManifestEntry entry)
    {
        // One lstat: what follows reads what it brought.
        var file = new FileInfo(path);
        return file.Exists && !file.Attributes.HasFlag(FileAttributes.ReparsePoint) && file.Length == entry.Size
            && file.UnixFileMode.HasFlag(UnixFileMode.UserExecute) == entry.IsExecutable;
    }

    /// <summary>Whether a file has the content that it should.</summary>
    public static bool HasContent(string path, in ManifestEntry entry, CancellationToken cancellationToken)
    {
        if (!Looks(path, entry))
            return false;
        using var file = new FileStream(Posix.OpenNoFollow(path), FileAccess.Read, bufferSize: 0);
        return Read(file, cancellationToken) == (entry.Content, entry.Size);
    }

    /// <summary>Gives an unchanged file a second name. False when that is not possible and a copy is needed.</summary>
    public static bool TryLink(string source, string path, in ManifestEntry entry)
    {
        try
        {
            if (!Looks(source, entry))
                return false;
            Posix.HardLink(source, path);
            return true;
        }
        catch (IOException)
        {
            // Too many names for one file, or a file system or owner that forbids it.
            return false;
        }
    }

    /// <summary>Copies a content that is here under another name, verifying it. False when it is not that content.</summary>
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

    private static (Digest Content, long Size) Read(FileStream file, CancellationToken cancellationToken, Stream? copy = null)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = ArrayPool<byte>.Shared.Rent(128 * 1024);
        try
        {
            long size = 0;
            int read;
            while ((read = file.Read(buffer)) > 0)
            {
                cancellationToken.ThrowIfCancellationRequested();
                size += read;
                hash.AppendData(buffer, 0, read);
                copy?.Write(buffer, 0, read);
            }
            return (new Digest(hash.GetHashAndReset()), size);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }
}
