namespace Updraft.Server.Storage;

/// <summary>
/// A blob for an object store. Its content is in an unlinked temporary file, so that the kernel frees its space when the process ends,
/// also after a crash. The commit uploads the content.
/// </summary>
/// <param name="directory">Directory of the temporary file.</param>
/// <param name="upload">Uploads the content; returns when the store has acknowledged all of it.</param>
internal sealed class SpooledBlob(string directory, Func<Stream, CancellationToken, Task> upload) : IBlobWriter
{
    private readonly FileStream _file = Open(directory);

    public Stream Content => _file;

    public async Task CommitAsync(CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        await _file.FlushAsync(cancellationToken);
        _file.Position = 0;
        await upload(_file, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await _file.DisposeAsync();
        }
        catch (IOException)
        {
            // On a full disk the flush of the buffer fails again. The content is discarded anyway.
        }
    }

    private static FileStream Open(string directory)
    {
        var path = Path.Join(directory, Path.GetRandomFileName() + AtomicFile.TemporarySuffix);
        var file = new FileStream(path, new FileStreamOptions
        {
            Mode = FileMode.CreateNew,
            Access = FileAccess.ReadWrite,
            UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite,
            BufferSize = 128 * 1024,
        });
        File.Delete(path);
        return file;
    }
}
