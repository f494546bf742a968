namespace Updraft;

/// <summary>
/// The one way in which a file comes to be: written under a temporary name beside its place, fsynced, renamed, and the
/// folder fsynced. Before <see cref="Commit"/> nothing is visible; after it the file survives a power cut. Disposing
/// without a commit leaves nothing behind; after a crash a name ending in <see cref="TemporarySuffix"/> may remain.
/// </summary>
internal sealed class AtomicFile : IDisposable
{
    /// <summary>How temporary names end. Whoever owns a folder removes such files when it starts.</summary>
    public const string TemporarySuffix = ".updraft-tmp";

    private readonly string _path;
    private readonly string _temporary;
    private readonly FileStream _stream;
    private bool _done;

    /// <summary>Starts writing; the folder must exist.</summary>
    /// <param name="path">Where the file will stand. An existing file is replaced.</param>
    /// <param name="temporaryFolder">Where to write meanwhile, in the same file system; by default beside <paramref name="path"/>.</param>
    /// <param name="mode">Permissions; by default 0600.</param>
    public AtomicFile(string path, string? temporaryFolder = null,
        UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
        : this(path, temporaryFolder, mode, bufferSize: 128 * 1024)
    {
    }

    private AtomicFile(string path, string? temporaryFolder, UnixFileMode mode, int bufferSize)
    {
        _path = path;
        _temporary = Path.Join(temporaryFolder ?? Path.GetDirectoryName(path), Path.GetRandomFileName() + TemporarySuffix);
        _stream = new FileStream(_temporary, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = mode,
            BufferSize = bufferSize,
        });
    }

    /// <summary>The content; seekable.</summary>
    public Stream Stream => _stream;

    /// <summary>Makes the file visible and durable, or throws and leaves what was there before.</summary>
    public void Commit()
    {
        _stream.Flush();
        Posix.Fsync(_stream.SafeFileHandle, _temporary);
        _stream.Dispose();
        Posix.Rename(_temporary, _path);
        _done = true;
        Posix.FsyncDirectory(Path.GetDirectoryName(_path)!);
    }

    /// <summary>Writes a whole small file.</summary>
    public static void Write(string path, ReadOnlySpan<byte> content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        using var file = new AtomicFile(path, temporaryFolder: null, mode, bufferSize: 0);
        file.Stream.Write(content);
        file.Commit();
    }

    /// <summary>Writes a whole small file, unless there is one: then that one stays.</summary>
    /// <returns>Whether it was written.</returns>
    public static bool TryCreate(string path, ReadOnlySpan<byte> content, UnixFileMode mode = UnixFileMode.UserRead | UnixFileMode.UserWrite)
    {
        using var file = new AtomicFile(path, temporaryFolder: null, mode, bufferSize: 0);
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
            // A full disk fails a last time when the rest of the buffer is written; nobody wants that rest.
        }
        finally
        {
            if (!_done)
                File.Delete(_temporary);
        }
    }
}
