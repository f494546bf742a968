namespace Updraft.Server.Storage;

/// <summary>
/// A blob on its way into an object store. Its content is gathered in a file that has no name any more, so that nothing of it remains
/// whatever way the process ends; the commit uploads it.
/// </summary>
/// <param name="folder">Where the file is made.</param>
/// <param name="upload">Puts the content into the store; returns when the store has acknowledged all of it.</param>
internal sealed class SpooledBlob(string folder, Func<Stream, CancellationToken, Task> upload) : IBlobWriter
{
    private readonly FileStream _file = Open(folder);

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
            // A full disk fails a last time when the rest of the buffer is written; nobody wants that rest.
        }
    }

    private static FileStream Open(string folder)
    {
        var path = Path.Join(folder, Path.GetRandomFileName() + AtomicFile.TemporarySuffix);
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
