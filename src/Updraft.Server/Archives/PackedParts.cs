namespace Updraft.Server.Archives;

/// <summary>
/// Counts the parts of compressed data: members of gzip, frames of zstd. Tools write one part, or parts of at least some KiB. Each part
/// costs a new decoder, so the number of parts is bounded by the decompressed bytes.
/// </summary>
internal sealed class PackedParts(UploadBuffer upload, string format)
{
    private const int Free = 1000, MinAverage = 1024;

    private int _parts;
    private long _unpacked;

    /// <summary>Counts decompressed bytes.</summary>
    public void Count(int bytes) => _unpacked += bytes;

    /// <summary>Counts the begin of a part.</summary>
    /// <exception cref="Api.ApiException">400: there are too many small parts.</exception>
    public void Begin()
    {
        if (++_parts > Free + _unpacked / MinAverage)
        {
            throw BadArchive.Because($"The {format} data has {_parts} parts, which hold less than {MinAverage} bytes on average. "
                + $"Pack the archive with one call of {format}.");
        }
    }

    /// <summary>
    /// Whether another part follows. False at the end of the upload; zeros before the end do not count, as with <c>gzip</c>.
    /// </summary>
    /// <param name="isStart">Whether bytes are the start of a part.</param>
    /// <exception cref="Api.ApiException">400: other bytes follow.</exception>
    public async ValueTask<bool> ContinuesAsync(Func<ReadOnlyMemory<byte>, bool> isStart, CancellationToken cancellationToken)
    {
        await upload.FillAsync(4, cancellationToken);
        if (isStart(upload.Available))
            return true;
        while (await upload.FillAsync(1, cancellationToken))
        {
            if (upload.Available.Span.ContainsAnyExcept((byte)0))
            {
                throw BadArchive.Because($"The upload has bytes after the end of the {format} data. "
                    + "Upload one tar archive, packed once.");
            }
            upload.Take(upload.Available.Length);
        }
        return false;
    }
}
