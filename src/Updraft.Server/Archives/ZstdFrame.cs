using System.Runtime.InteropServices;
using ZstdSharp.Unsafe;

namespace Updraft.Server.Archives;

/// <summary>Exactly one zstd frame (RFC 8878) that fills the upload, with a window of at most 128 MiB.</summary>
internal sealed class ZstdFrame : IArchiveFrame
{
    private const int MaxWindowLog = 27;

    private readonly UploadBuffer _upload;
    private unsafe ZSTD_DCtx_s* _context;
    private bool _complete;

    public unsafe ZstdFrame(UploadBuffer upload)
    {
        _upload = upload;
        _context = Methods.ZSTD_createDCtx();
        if (_context == null)
            throw new InvalidOperationException("Could not allocate a zstd decoder.");
        Check(Methods.ZSTD_DCtx_setParameter(_context, ZSTD_dParameter.ZSTD_d_windowLogMax, MaxWindowLog));
    }

    public ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        // Most calls find received bytes; this path needs no async state machine.
        var count = _complete || _upload.Available.IsEmpty ? 0 : Unpack(buffer.Span);
        return count > 0 ? ValueTask.FromResult(count) : ContinueAsync(buffer, cancellationToken);
    }

    public unsafe void Dispose()
    {
        Methods.ZSTD_freeDCtx(_context);
        _context = null;
    }

    private async ValueTask<int> ContinueAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        while (!_complete)
        {
            if (!await _upload.FillAsync(1, cancellationToken))
                throw BadArchive.CutOff("in the middle of its zstd data");
            if (Unpack(buffer.Span) is > 0 and var count)
                return count;
        }
        return await _upload.FillAsync(1, cancellationToken)
            ? throw BadArchive.Because("The upload has bytes after the end of the zstd data. Upload one tar archive, packed once.")
            : 0;
    }

    private unsafe int Unpack(Span<byte> output)
    {
        ObjectDisposedException.ThrowIf(_context == null, this);
        var input = _upload.Available.Span;
        fixed (byte* from = &MemoryMarshal.GetReference(input), to = &MemoryMarshal.GetReference(output))
        {
            var source = new ZSTD_inBuffer_s { src = from, size = (nuint)input.Length };
            var target = new ZSTD_outBuffer_s { dst = to, size = (nuint)output.Length };
            // The decoder returns 0 once, after it has decoded and flushed the whole frame.
            _complete = Check(Methods.ZSTD_decompressStream(_context, &target, &source)) == 0;
            _upload.Take((int)source.pos);
            return (int)target.pos;
        }
    }

    private static nuint Check(nuint result) => Methods.ZSTD_isError(result)
        ? throw BadArchive.Because($"The zstd data is damaged, or needs a window of more than {1 << (MaxWindowLog - 20)} MiB "
            + $"({Methods.ZSTD_getErrorName(result)}). Upload it again, or pack it without '--long' and '--ultra'.")
        : result;
}
