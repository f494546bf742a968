using System.Runtime.ExceptionServices;
using System.Security.Cryptography;
using Microsoft.AspNetCore.Connections;
using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>
/// The body of an upload. It enforces a limit of bytes, verifies the checksums that the client sent (<c>Content-MD5</c>,
/// <c>x-ms-content-crc64</c>), and detects a body that ends early. Forward only, asynchronous only.
/// </summary>
internal sealed class UploadBody : Stream
{
    private readonly Stream _source;
    private readonly long _max;
    private readonly string _limit;
    private readonly byte[]? _expectedMd5, _expectedCrc64;
    private readonly IncrementalHash? _md5;
    private readonly Crc64? _crc64;
    private readonly UploadPace? _pace;
    private Exception? _failure;
    private bool _ended;

    private UploadBody(Stream source, long max, string limit, byte[]? md5, byte[]? crc64, UploadPace? pace)
    {
        (_source, _max, _limit, _expectedMd5, _expectedCrc64, _pace) = (source, max, limit, md5, crc64, pace);
        // The protocol demands MD5. It detects accidents; the signature of the URL keeps attackers out.
        _md5 = md5 is null ? null : IncrementalHash.CreateHash(HashAlgorithmName.MD5);
        _crc64 = crc64 is null ? null : new Crc64();
    }

    /// <summary>Number of bytes read so far.</summary>
    public long Count { get; private set; }

    /// <summary>Wraps the body of a request. It does not read yet.</summary>
    /// <param name="request">The request.</param>
    /// <param name="max">Most bytes that are accepted.</param>
    /// <param name="limit">The setting that decides <paramref name="max"/>.</param>
    /// <param name="pace">Limits the waiting for the client. The body disposes it.</param>
    /// <exception cref="ApiException">413: <c>Content-Length</c> exceeds the limit. 400: a checksum is malformed.</exception>
    public static UploadBody Of(HttpRequest request, long max, string limit, UploadPace pace)
    {
        if (request.ContentLength > max)
            throw TooLarge(request.ContentLength.Value, max, limit);
        return new UploadBody(request.Body, max, limit, ReadChecksum(request, "Content-MD5", MD5.HashSizeInBytes, "InvalidMd5"),
            ReadChecksum(request, "x-ms-content-crc64", Crc64.Size, "InvalidHeaderValue"), pace);
    }

    /// <summary>Wraps bytes that the server has already stored.</summary>
    public static UploadBody Of(Stream source, long max, string limit) => new(source, max, limit, null, null, null);

    /// <summary>Verifies that the body was read to its end and matches its checksums.</summary>
    /// <exception cref="ApiException">400: the body has more bytes, or another checksum.</exception>
    public void Verify()
    {
        if (!_ended)
            throw BlobError.BadRequest("InvalidInput", "The upload has bytes after the end of the archive. Upload one tar archive.");
        if (_md5 is not null && !_md5.GetCurrentHash().AsSpan().SequenceEqual(_expectedMd5))
            throw BlobError.Of(UploadErrors.ChecksumMismatch, "Md5Mismatch",
                "The received body does not match the MD5 in 'Content-MD5'. Send the request again.");
        if (_crc64 is not null && !_crc64.Matches(_expectedCrc64))
            throw BlobError.Of(UploadErrors.ChecksumMismatch, "Crc64Mismatch",
                "The received body does not match the CRC64 in 'x-ms-content-crc64'. Send the request again.");
    }

    /// <summary>Throws the exception of the body, if one occurred. It is the cause of later exceptions of the body's reader.</summary>
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
            var read = _pace is null ? await _source.ReadAsync(buffer, cancellationToken)
                : await _pace.ReadAsync(_source, buffer, cancellationToken);
            Count += read;
            if (_pace is not null)
                UploadMetrics.Receive(read);
            if (Count > _max)
                throw TooLarge(Count, _max, _limit);
            _md5?.AppendData(buffer.Span[..read]);
            _crc64?.Append(buffer.Span[..read]);
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

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("Read uploads asynchronously.");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    protected override void Dispose(bool disposing)
    {
        _md5?.Dispose();
        _pace?.Dispose();
        _source.Dispose();
        base.Dispose(disposing);
    }

    private static byte[]? ReadChecksum(HttpRequest request, string name, int size, string blobCode)
    {
        var header = request.Headers[name].ToString();
        if (header.Length == 0)
            return null;
        var checksum = new byte[size];
        return Convert.TryFromBase64String(header, checksum, out var length) && length == size ? checksum
            : throw BlobError.BadRequest(blobCode, $"'{name}' is '{ApiException.Shorten(header)}', but must be the base64 form of {size} "
                + "bytes.");
    }

    private static ApiException TooLarge(long seen, long max, string limit) =>
        BlobError.TooLarge(limit, $"The body has at least {seen} bytes; the limit is {max} bytes ({limit}). "
            + "Send fewer bytes, or raise the setting.");

    private static ApiException CutOff(Exception cause)
    {
        var code = (cause as BadHttpRequestException)?.StatusCode switch
        {
            null or StatusCodes.Status400BadRequest => UploadErrors.IncompleteUpload,
            StatusCodes.Status408RequestTimeout => UploadErrors.UploadTimeout,
            var status => RequestErrors.OfStatus(status.Value),
        };
        return BlobError.Of(code, "IncompleteBody",
            code == UploadErrors.UploadTimeout
                ? "The body arrived more slowly than the section 'Kestrel' of the settings allows. Send it faster, or change the section."
                : "The connection ended before the whole body arrived. Send the request again.", cause);
    }
}
