using Updraft.Server.Storage;

namespace Updraft.Server.Uploads;

/// <summary>Reads several blobs as one stream. One blob is open at a time.</summary>
internal sealed class JoinedBlocks(IBlobStore blobs, IReadOnlyList<string> keys) : Stream
{
    private Stream? _open;
    private int _next;

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        while (true)
        {
            if (_open is null)
            {
                if (_next == keys.Count)
                    return 0;
                _open = await OpenAsync(keys[_next], cancellationToken);
                _next++;
            }
            var read = await _open.ReadAsync(buffer, cancellationToken);
            if (read > 0 || buffer.Length == 0)
                return read;
            await _open.DisposeAsync();
            _open = null;
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => false;

    public override long Length => throw new NotSupportedException();

    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    public override void Flush()
    {
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read blocks asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _open?.Dispose();
        base.Dispose(disposing);
    }

    private async Task<Stream> OpenAsync(string key, CancellationToken cancellationToken)
    {
        try
        {
            return await blobs.OpenAsync(key, cancellationToken);
        }
        catch (FileNotFoundException)
        {
            throw BlockList.Invalid("A staged block expired while the server joined the blocks. Create a new deploy.");
        }
    }
}
