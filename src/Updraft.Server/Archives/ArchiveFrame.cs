namespace Updraft.Server.Archives;

/// <summary>The compression around a tar archive.</summary>
internal interface IArchiveFrame : IDisposable
{
    /// <summary>
    /// Unpacks into a buffer, at least one byte. 0 means that the frame has ended as it must: complete, its checksums
    /// right, and nothing after it in the upload.
    /// </summary>
    ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken);
}

/// <summary>Recognises frames by their first bytes; names and content types are not trusted.</summary>
internal static class ArchiveFrame
{
    /// <summary>Chooses the reader for an upload.</summary>
    /// <exception cref="Api.ApiException">400: the upload is empty.</exception>
    public static async ValueTask<IArchiveFrame> OpenAsync(UploadBuffer upload, CancellationToken cancellationToken)
    {
        await upload.FillAsync(8, cancellationToken);
        return upload.Available.Span switch
        {
            [] => throw BadArchive.Because("The upload is empty. " + BadArchive.WhatToUpload),
            [0x1f, 0x8b, ..] => new GzipFrame(upload),
            [0x28, 0xb5, 0x2f, 0xfd, ..] => new ZstdFrame(upload),
            _ => new PlainFrame(upload),
        };
    }

    /// <summary>No compression at all.</summary>
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
