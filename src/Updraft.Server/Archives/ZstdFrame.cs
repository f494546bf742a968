using System.Runtime.InteropServices;
using ZstdSharp.Unsafe;

namespace Updraft.Server.Archives;

/// <summary>
/// The frames of a zstd file (RFC 8878), with a window of at most 128 MiB. The decoder skips skippable frames itself.
/// </summary>
internal sealed class ZstdFrame : IArchiveFrame
{
    private const int MaxWindowLog = 27;

    private readonly UploadBuffer _upload;
    private readonly PackedParts _frames;
    private unsafe ZSTD_DCtx_s* _context;
    private bool _isInFrame, _ended;

    public unsafe ZstdFrame(UploadBuffer upload)
    {
        (_upload, _frames) = (upload, new(upload, "zstd"));
        _context = Methods.ZSTD_createDCtx();
        if (_context == null)
            throw new InvalidOperationException("Could not allocate a zstd decoder.");
        Check(Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog));
    }

    /// <summary>Whether bytes are the start of a zstd frame or of a skippable frame.</summary>
    public static bool IsStart(ReadOnlySpan<byte> bytes) =>
        bytes is [0x28, 0xb5, 0x2f, 0xfd, ..] or [>= 0x50 and <= 0x5f, 0x2a, 0x4d, 0x18, ..];

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // Most calls find received bytes; this path needs no async state machine.
        var count = _isInFrame && !_upload.Available.IsEmpty ? Unpack(buffer.Span) : 0;
        return count > 0 ? ValueTask.FromResult(count) : ContinueAsync(buffer, cancellationToken);
    }

    public unsafe void Dispose()
    {
        Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }

    private async ValueTask<int> ContinueAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!_ended)
        {
            if (!_isInFrame)
            {
                if (!await _frames.ContinuesAsync(static bytes => IsStart(bytes.Span), cancellationToken))
                {
                    _ended = true;
                    break;
                }
                _frames.Begin();
                _isInFrame = true;
            }
            if (!await _upload.FillAsync(1, cancellationToken))
                throw BadArchive.CutOff("in the middle of its zstd data");
            if (Unpack(buffer.Span) is > 0 and var count)
                return count;
        }
        return 0;
    }

    private unsafe int Unpack(Span<byte> output)
    {
        ObjectDisposedException.ThrowIf(_context == null, this);
        var input = _upload.Available.Span;
        fixed (byte* from = &MemoryMarshal.GetReference(input), to = &MemoryMarshal.GetReference(output))
        {
            var source = new ZSTD_inBuffer_s { src = from, size = (nuint)input.Length };
            var target = new ZSTD_outBuffer_s { dst = to, size = (nuint)output.Length };
            // The decoder returns 0 once, after it has decoded and flushed a whole frame. Its next call begins the next frame.
            _isInFrame = Check(Methods.ZSTD_decompressStream(_context, &target, &source)) != 0;
            _upload.Take((int)source.pos);
            _frames.Count((int)target.pos);
            return (int)target.pos;
        }
    }

    private static nuint Check(nuint result) => Methods.ZSTD_isError(result)
        ? throw BadArchive.Because($"The zstd data is damaged, or needs a window of more than {1 << (MaxWindowLog - 20)} MiB "
            + $"({Methods.ZSTD_getErrorName(result)}). Upload it again, or pack it without '--long' and '--ultra'.")
        : result;
}
