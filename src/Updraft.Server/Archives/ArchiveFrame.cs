namespace Updraft.Server.Archives;

/// <summary>The compression around a tar archive.</summary>
internal interface IArchiveFrame : IDisposable
{
    /// <summary>
    /// Decompresses at least one byte into a buffer. 0 means the valid end of the compressed data: it is complete, its checksums match, and
    /// at most zeros follow it in the upload.
    /// </summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);
}

/// <summary>Detects the compression from the first bytes; file names and content types are not trusted.</summary>
internal static class ArchiveFrame
{
    /// <summary>Opens the reader for the compression of an upload.</summary>
    /// <exception cref="Api.ApiException">400: the upload is empty.</exception>
    public static async ValueTask<IArchiveFrame> OpenAsync(UploadBuffer upload, CancellationToken cancellationToken)
    {
        await upload.FillAsync(8, cancellationToken);
        return upload.Available.Span switch
        {
            [] => throw BadArchive.Because("The upload is empty. " + BadArchive.WhatToUpload),
            [0x1f, 0x8b, ..] => new GzipFrame(upload),
            var start when ZstdFrame.IsStart(start) => new ZstdFrame(upload),
            _ => new PlainFrame(upload),
        };
    }

    /// <summary>No compression.</summary>
    private sealed class PlainFrame(UploadBuffer upload) : IArchiveFrame
    {
        public async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken)
        {
            await upload.FillAsync(1, cancellationToken);
            var count = Math.Min(buffer.Length, upload.Available.Length);
            upload.Available[..count].CopyTo(buffer);
            upload.Take(count);
            return count;
        }

        public void Dispose()
        {
        }
    }
}
