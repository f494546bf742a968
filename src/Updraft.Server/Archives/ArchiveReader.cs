using Updraft.Server.Api;

namespace Updraft.Server.Archives;

/// <summary>
/// Reads an uploaded archive from start to end. Memory depends on the number and length of the names, not on the contents. Each fault of
/// the archive is an <see cref="ApiException"/> with status 400 that names the entry. Exceptions of the upload's own stream pass through
/// unchanged.
/// </summary>
internal sealed class ArchiveReader : IDisposable
{
    private readonly UploadBuffer _upload;
    private readonly ArchiveOptions _limits;
    private IArchiveFrame? _frame;
    private UnpackedBuffer? _unpacked;
    private TarEntryReader? _entries;

    public ArchiveReader(Stream upload, ArchiveOptions limits)
    {
        (_upload, _limits) = (new UploadBuffer(upload), limits);
        Tree = new ArchiveTree(limits);
    }

    /// <summary>The entries so far; complete after <see cref="NextFileAsync"/> has returned null.</summary>
    public ArchiveTree Tree { get; }

    /// <summary>
    /// The next regular file. Read its content to the end, and set its digest, before the next call. Null at the valid end of the archive:
    /// then all checksums matched, and no bytes follow.
    /// </summary>
    public async ValueTask<ArchiveNode?> NextFileAsync(CancellationToken cancellationToken)
    {
        try
        {
            var entries = _entries ?? await OpenAsync(cancellationToken);
            while (await entries.NextAsync(cancellationToken) is { } entry)
            {
                if (Tree.Add(entry) is { } file)
                    return file;
                while (!(await entries.ReadContentAsync(cancellationToken)).IsEmpty)
                {
                    // Bytecode that the tree leaves out.
                }
            }
            return null;
        }
        catch (Exception exception) when (IsFaultOfArchive(exception))
        {
            throw Unreadable(exception);
        }
    }

    /// <summary>The next piece of the file's content, valid until the next call; empty at the end of the file.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadContentAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await _entries!.ReadContentAsync(cancellationToken);
        }
        catch (Exception exception) when (IsFaultOfArchive(exception))
        {
            throw Unreadable(exception);
        }
    }

    public void Dispose()
    {
        _frame?.Dispose();
        _unpacked?.Dispose();
        _upload.Dispose();
    }

    private async ValueTask<TarEntryReader> OpenAsync(CancellationToken cancellationToken)
    {
        _frame = await ArchiveFrame.OpenAsync(_upload, cancellationToken);
        _unpacked = new UnpackedBuffer(_upload, _frame, _limits);
        return _entries = new TarEntryReader(_unpacked, _limits);
    }

    private bool IsFaultOfArchive(Exception exception) =>
        _upload.Failure is null && exception is not (ApiException or OperationCanceledException or OutOfMemoryException);

    // No archive may lead to a 500. All known faults of archives have a message of their own.
    private ApiException Unreadable(Exception cause) => BadArchive.Because(
        $"The archive cannot be read at or after the entry '{BadArchive.Shorten(_entries?.Current ?? "")}'. Pack it again with GNU tar.",
        cause);
}
