namespace Updraft;

/// <summary>
/// Creates or replaces a file atomically and durably: it writes a temporary file, fsyncs it, renames it, and fsyncs the directory. The
/// file is visible after <see cref="Commit"/>, and then survives a power cut. Disposing without a commit deletes the temporary file.
/// After a crash, a file with a name ending in <see cref="TemporarySuffix"/> may remain.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    /// <summary>Suffix of temporary names. The owner of a directory deletes such files when it starts.</summary>
    public const string TemporarySuffix = ".updraft-tmp";

    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _stream;
    private bool _done;

    /// <summary>Creates the temporary file. Its directory must exist.</summary>
    /// <param name="path">Path of the file. The commit replaces an existing file.</param>
    /// <param name="temporaryDirectory">
    /// Directory of the temporary file, in the same file system. Default: the directory of <paramref name="path"/>.
    /// </param>
    /// <param name="mode">Permissions, independent of the umask. Default 0600.</param>
    public AtomicFile(string path, string? temporaryDirectory = null,
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
        : this(path, temporaryDirectory, mode, bufferSize: 128 * 1024)
    {
    }

    private AtomicFile(string path, string? temporaryDirectory, UnixFileMode mode, int bufferSize)
    {
        _path = path;
        _temporary = Path.Join(temporaryDirectory ?? Path.GetDirectoryName(path), Path.GetRandomFileName() + TemporarySuffix);
        _stream = new FileStream(_temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = mode,
            BufferSize = bufferSize,
        });
        // The umask can only take away from the default mode what other users must not have anyway.
        if (mode != (UnixFileMode.UserRead | UnixFileMode.UserWrite))
            File.SetUnixFileMode(_stream.SafeFileHandle, mode);
    }

    /// <summary>The content; seekable.</summary>
    public Stream Stream => _stream;

    /// <summary>Makes the file visible and durable.</summary>
    /// <exception cref="IOException">
    /// A system call failed. If it was not the last fsync, <c>path</c> is unchanged; otherwise the new file is visible, but may not be
    /// durable.
    /// </exception>
    public void Commit()
    {
        _stream.Flush();
        Posix.Fsync(_stream.SafeFileHandle, _temporary);
        _stream.Dispose();
        Posix.Rename(_temporary, _path);
        _done = true;
        Posix.FsyncDirectory(Path.GetDirectoryName(_path)!);
    }

    /// <summary>Writes a small file atomically.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        using var file = new AtomicFile(path, temporaryDirectory: null, mode, bufferSize: 0);
        file.Stream.Write(content);
        file.Commit();
    }

    /// <summary>Writes a small file atomically, unless the file exists.</summary>
    /// <returns>False if the file existed; it is unchanged.</returns>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content,
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        using var file = new AtomicFile(path, temporaryDirectory: null, mode, bufferSize: 0);
        file.Stream.Write(content);
        file._stream.Flush();
        Posix.Fsync(file._stream.SafeFileHandle, file._temporary);
        if (!Posix.TryHardLink(file._temporary, path))
            return false;
        Posix.FsyncDirectory(Path.GetDirectoryName(path)!);
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        try
        {
            _stream.Dispose();
        }
        catch (IOException) when (!_done)
        {
            // On a full disk the flush of the buffer fails again. The content is discarded anyway.
        }
        finally
        {
            if (!_done)
                File.Delete(_temporary);
        }
    }
}
