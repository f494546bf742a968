using System.Buffers.Binary;
using System.IO.Hashing;

namespace Updraft.Server.Archives;

/// <summary>The header of a gzip member (RFC 1952).</summary>
internal static class GzipHeader
{
    private const int Fixed = 10, MaxField = 4096;
    private const byte HasChecksum = 2, HasExtra = 4, HasName = 8, HasComment = 16, KnownFlags = 31;

    /// <summary>Verifies and skips a header.</summary>
    /// <exception cref="Api.ApiException">400: the header is truncated, damaged, or has a field of more than 4 KiB.</exception>
    public static async ValueTask SkipAsync(UploadBuffer upload, CancellationToken cancellationToken)
    {
        await RequireAsync(upload, Fixed, cancellationToken);
        var flags = upload.Available.Span[3];
        if (upload.Available.Span[2] != 8 || flags > KnownFlags)
            throw BadArchive.Because("The gzip header names an unknown compression. Pack the archive again.");
        var length = Fixed;
        if ((flags & HasExtra) != 0)
        {
            await RequireAsync(upload, length + 2, cancellationToken);
            var extra = BinaryPrimitives.ReadUInt16LittleEndian(upload.Available.Span[length..]);
            if (extra > MaxField)
                throw FieldTooLong();
            length += 2 + extra;
        }
        if ((flags & HasName) != 0)
            length = await SkipTextAsync(upload, length, cancellationToken);
        if ((flags & HasComment) != 0)
            length = await SkipTextAsync(upload, length, cancellationToken);
        if ((flags & HasChecksum) != 0)
        {
            await RequireAsync(upload, length + 2, cancellationToken);
            var header = upload.Available.Span[..(length + 2)];
            if (BinaryPrimitives.ReadUInt16LittleEndian(header[length..]) != (Crc32.HashToUInt32(header[..length]) & 0xffff))
                throw BadArchive.Because("The checksum of the gzip header is wrong, so the file was damaged on the way. Upload it again.");
            length += 2;
        }
        await RequireAsync(upload, length, cancellationToken);
        upload.Take(length);
    }

    private static async ValueTask<int> SkipTextAsync(UploadBuffer upload, int start, CancellationToken cancellationToken)
    {
        await upload.FillAsync(start + MaxField + 1, cancellationToken);
        var end = upload.Available.Span[Math.Min(start, upload.Available.Length)..].IndexOf((byte)0);
        if (end > MaxField || (end < 0 && upload.Available.Length > start + MaxField))
            throw FieldTooLong();
        return end >= 0 ? start + end + 1 : throw BadArchive.CutOff("in its gzip header");
    }

    private static async ValueTask RequireAsync(UploadBuffer upload, int count, CancellationToken cancellationToken)
    {
        if (!await upload.FillAsync(count, cancellationToken))
            throw BadArchive.CutOff("in its gzip header");
    }

    private static Api.ApiException FieldTooLong() =>
        BadArchive.Because($"The gzip header has a field of more than {MaxField} bytes. "
            + "Pack the archive with 'gzip' and no further options.");
}
