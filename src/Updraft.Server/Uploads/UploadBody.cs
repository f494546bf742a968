using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// The bytes of an upload on their way: counted against a limit, hashed when the client said what they must be, and
/// known to have come to their end or not. Forward only, asynchronous only.
/// </summary>
internal sealed class UploadBody : Stream
{
    private readonly Stream _source;
    private readonly long _max;
    private readonly string _limit;
    private readonly byte[]? _expectedMd5;
    private readonly IncrementalHash? _md5;
    private readonly bool _comes;
    private Exception? _failure;
    private bool _ended;

    private UploadBody(Stream source, long max, string limit, byte[]? md5, bool comes)
    {
        (_source, _max, _limit, _expectedMd5, _comes) = (source, max, limit, md5, comes);
        // MD5 because the protocol has it; it finds accidents, and attackers have the signature to deal with.
        _md5 = md5 is null ? null : IncrementalHash.CreateHash(HashAlgorithmName.MD5);
    }

    /// <summary>Bytes so far.</summary>
    public long Count { get; private set; }

    /// <summary>The body of a request. Nothing is read yet.</summary>
    /// <param name="request">The request.</param>
    /// <param name="max">Most bytes that are accepted.</param>
    /// <param name="limit">Name of the setting behind <paramref name="max"/>.</param>
    /// <exception cref="ApiException">413: announced as too long. 400: <c>Content-MD5</c> is no MD5.</exception>
    public static UploadBody Of(HttpRequest request, long max, string limit)
    {
        if (request.ContentLength > max)
            throw TooLarge(request.ContentLength.Value, max, limit);
        byte[]? md5 = null;
        var header = request.Headers.ContentMD5.ToString();
        if (header.Length > 0)
        {
            md5 = new byte[MD5.HashSizeInBytes];
            if (!Convert.TryFromBase64String(header, md5, out var length) || length != md5.Length)
                throw BlobError.BadRequest("InvalidMd5", "'Content-MD5' must be the base64 form of 16 bytes.");
        }
        return new UploadBody(request.Body, max, limit, md5, comes: true);
    }

    /// <summary>Bytes that are here already.</summary>
    public static UploadBody Of(Stream source, long max, string limit) => new(source, max, limit, null, comes: false);

    /// <summary>Confirms that everything came and is what the client meant to send.</summary>
    /// <exception cref="ApiException">400: the body has not come to its end, or has another MD5.</exception>
    public void Verify()
    {
        if (!_ended)
            throw BlobError.BadRequest("InvalidInput", "The upload goes on after the archive's end.");
        if (_md5 is not null && !_md5.GetCurrentHash().AsSpan().SequenceEqual(_expectedMd5))
            throw BlobError.BadRequest("Md5Mismatch", "The body that arrived does not have the MD5 of 'Content-MD5'.");
    }

    /// <summary>Throws what went wrong with the body, if anything did: the cause of whatever its reader made of it.</summary>
    public void ThrowFailure()
    {
        if (_failure is not null)
            ExceptionDispatchInfo.Throw(_failure);
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        ThrowFailure();
        try
        {
            var read = await _source.ReadAsync(buffer, cancellationToken);
            Count += read;
            if (_comes)
                UploadMetrics.Receive(read);
            if (Count > _max)
                throw TooLarge(Count, _max, _limit);
            _md5?.AppendData(buffer.Span[..read]);
            _ended |= read == 0 && buffer.Length > 0;
            return read;
        }
        catch (Exception exception)
        {
            _failure = exception is BadHttpRequestException or ConnectionResetException ? CutOff(exception) : exception;
            throw _failure;
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

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Uploads are read asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _md5?.Dispose();
        _source.Dispose();
        base.Dispose(disposing);
    }

    private static ApiException TooLarge(long seen, long max, string limit) =>
        BlobError.TooLarge($"The upload has {seen} bytes or more; the limit is {max} ({limit}).");

    private static ApiException CutOff(Exception cause) =>
        BlobError.Of((cause as BadHttpRequestException)?.StatusCode ?? StatusCodes.Status400BadRequest, "IncompleteBody",
            "The upload did not arrive completely: it ended early, or came too slowly.", cause);
}
