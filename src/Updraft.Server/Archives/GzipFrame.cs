using System.Buffers.Binary;
using System.IO.Hashing;

namespace Updraft.Server.Archives;

/// <summary>
/// The members of a gzip file (RFC 1952). The platform's gzip reader accepts truncated data and ignores bytes after it. So this class uses
/// only its inflater, and verifies headers and trailers itself.
/// </summary>
internal sealed class GzipFrame(UploadBuffer upload) : IArchiveFrame
{
    private const int Trailer = 8;

    private readonly PackedParts _members = new(upload, "gzip");
    private readonly Inflater _inflater = new();
    private readonly Crc32 _checksum = new();
    private long _size;
    private State _state = State.BeforeMember;

    private enum State
    {
        BeforeMember,
        InMember,
        BeforeTrailer,
        Ended,
    }

    public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (_state != State.Ended)
        {
            if (_state == State.BeforeMember && !await BeginMemberAsync(cancellationToken))
                break;
            if (_state == State.InMember)
            {
                if (!await upload.FillAsync(1, cancellationToken))
                    throw BadArchive.CutOff("in the middle of its gzip data");
                if (Unpack(buffer.Span) is > 0 and var count)
                    return count;
            }
            if (_state == State.BeforeTrailer)
                await CheckTrailerAsync(cancellationToken);
        }
        return 0;
    }

    public void Dispose() => _inflater.Dispose();

    /// <summary>False at the end of the upload.</summary>
    private async ValueTask<bool> BeginMemberAsync(CancellationToken cancellationToken)
    {
        if (!await _members.ContinuesAsync(static bytes => bytes.Span is [0x1f, 0x8b, ..], cancellationToken))
        {
            _state = State.Ended;
            return false;
        }
        _members.Begin();
        await GzipHeader.SkipAsync(upload, cancellationToken);
        _inflater.Reset();
        _checksum.Reset();
        (_size, _state) = (0, State.InMember);
        return true;
    }

    private int Unpack(Span<byte> buffer)
    {
        var (read, written, isEnd) = _inflater.Inflate(upload.Available.Span, buffer);
        if (read == 0 && written == 0 && !isEnd)
            throw new InvalidDataException("The deflate decoder makes no progress.");
        upload.Take(read);
        _checksum.Append(buffer[..written]);
        _size += written;
        _members.Count(written);
        if (isEnd)
            _state = State.BeforeTrailer;
        return written;
    }

    private async ValueTask CheckTrailerAsync(CancellationToken cancellationToken)
    {
        if (!await upload.FillAsync(Trailer, cancellationToken))
            throw BadArchive.CutOff("at the end of its gzip data");
        var trailer = upload.Available.Span;
        if (BinaryPrimitives.ReadUInt32LittleEndian(trailer) != _checksum.GetCurrentHashAsUInt32()
            || BinaryPrimitives.ReadUInt32LittleEndian(trailer[4..]) != (uint)(_size & uint.MaxValue))
            throw BadArchive.Because("The gzip checksum or length is wrong, so the file was damaged on the way. Upload it again.");
        upload.Take(Trailer);
        _state = State.BeforeMember;
    }
}
