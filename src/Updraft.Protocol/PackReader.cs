using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ZstdSharp;
using ZstdSharp.Unsafe;

namespace Updraft.Protocol;

/// <summary>Reads and verifies packs.</summary>
public static class PackReader
{
    /// <summary>Reads and verifies the index of a complete pack.</summary>
    /// <param name="pack">A seekable stream over the pack.</param>
    /// <exception cref="InvalidDataException">The pack is truncated or damaged.</exception>
    public static IReadOnlyList<PackEntry> ReadIndex(Stream pack)
    {
        ArgumentNullException.ThrowIfNull(pack);
        Span<byte> magic = stackalloc byte[8];
        Span<byte> trailer = stackalloc byte[Pack.TrailerSize];
        if (pack.Length < Pack.Magic.Length + Pack.TrailerSize)
            throw new InvalidDataException($"The pack has {pack.Length} bytes, which is less than an empty pack has.");
        pack.Position = 0;
        pack.ReadExactly(magic);
        pack.Position = pack.Length - Pack.TrailerSize;
        pack.ReadExactly(trailer);
        var indexOffset = BinaryPrimitives.ReadInt64LittleEndian(trailer);
        var count = BinaryPrimitives.ReadInt64LittleEndian(trailer[8..]);
        if (!magic.SequenceEqual(Pack.Magic) || !trailer[56..].SequenceEqual(Pack.Magic) || trailer[48..56].ContainsAnyExcept((byte)0))
            throw new InvalidDataException("The pack does not have the marks of an Updraft pack, or it is truncated.");
        if (count < 0 || count > pack.Length / Pack.IndexEntrySize
            || indexOffset != pack.Length - Pack.TrailerSize - count * Pack.IndexEntrySize || indexOffset < Pack.Magic.Length)
            throw new InvalidDataException("The index of the pack does not fit into the pack.");
        var index = new byte[count * Pack.IndexEntrySize];
        pack.Position = indexOffset;
        pack.ReadExactly(index);
        if (!SHA256.HashData(index).AsSpan().SequenceEqual(trailer[16..48]))
            throw new InvalidDataException("The index of the pack is damaged.");
        var entries = new PackEntry[count];
        long end = Pack.Magic.Length;
        for (var i = 0; i < entries.Length; i++)
        {
            var slot = index.AsSpan(i * Pack.IndexEntrySize, Pack.IndexEntrySize);
            entries[i] = new PackEntry(new Digest(slot[..32]), BinaryPrimitives.ReadInt64LittleEndian(slot[32..]),
                BinaryPrimitives.ReadInt64LittleEndian(slot[40..]), BinaryPrimitives.ReadInt64LittleEndian(slot[48..]));
            if (entries[i].Offset != end || entries[i].Length < 0 || entries[i].Length > indexOffset - end || entries[i].Size < 0)
                throw new InvalidDataException($"Entry {i} in the index of the pack does not follow the entry before it.");
            end += entries[i].Length;
        }
        return end == indexOffset ? entries : throw new InvalidDataException("The pack has bytes that are missing in its index.");
    }

    /// <summary>
    /// Decompresses one content and verifies it. It stops as soon as there are more than <paramref name="size"/> bytes, so a frame that
    /// decompresses without end does no harm.
    /// </summary>
    /// <param name="frame">Exactly the bytes of the content's zstd frame.</param>
    /// <param name="size">Length of the content in bytes, from the manifest.</param>
    /// <param name="content">Digest of the content, from the manifest.</param>
    /// <param name="destination">
    /// Receives the content. After an exception its bytes are invalid, and the caller must discard them.
    /// </param>
    /// <exception cref="InvalidDataException">The frame is damaged, or contains another content.</exception>
    public static void CopyVerified(Stream frame, long size, Digest content, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var hash = new DigestBuilder();
        using var decompressed = new DecompressionStream(frame, leaveOpen: true);
        decompressed.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, Pack.MaxWindowLog);
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            long total = 0;
            int read;
            while ((read = decompressed.Read(buffer)) > 0)
            {
                total += read;
                if (total > size)
                    throw new InvalidDataException($"The content is longer than its {size} bytes.");
                hash.Append(buffer.AsSpan(0, read));
                destination.Write(buffer, 0, read);
            }
            if (total != size)
                throw new InvalidDataException($"The content has {total} bytes, not {size}.");
            if (hash.Complete() != content)
                throw new InvalidDataException($"The content does not have the digest {content}.");
        }
        catch (Exception exception) when (exception is ZstdException or EndOfStreamException)
        {
            throw new InvalidDataException("The content's zstd frame is damaged: " + exception.Message, exception);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>
    /// As <see cref="CopyVerified"/>, for a destination that may be slow. Its last bytes are written after the verification, so a receiver
    /// that knows the size detects a damaged content.
    /// </summary>
    /// <param name="frame">Exactly the bytes of the content's zstd frame.</param>
    /// <param name="size">Length of the content in bytes, from the manifest.</param>
    /// <param name="content">Digest of the content, from the manifest.</param>
    /// <param name="destination">Receives the content.</param>
    /// <exception cref="InvalidDataException">The frame is damaged, or contains another content.</exception>
    public static async Task CopyVerifiedAsync(Stream frame, long size, Digest content, Stream destination,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(destination);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var decompressed = new DecompressionStream(frame, leaveOpen: true);
        decompressed.SetParameter(ZSTD_dParameter.ZSTD_d_windowLogMax, Pack.MaxWindowLog);
        byte[] held = new byte[64 * 1024], next = new byte[64 * 1024];
        var (total, heldCount) = (0L, 0);
        while (true)
        {
            var read = ReadFrame(decompressed, next);
            if (read == 0)
                break;
            total += read;
            if (total > size)
                throw new InvalidDataException($"The content is longer than its {size} bytes.");
            hash.AppendData(next, 0, read);
            await destination.WriteAsync(held.AsMemory(0, heldCount), cancellationToken);
            (held, next, heldCount) = (next, held, read);
        }
        if (total != size || new Digest(hash.GetHashAndReset()) != content)
            throw new InvalidDataException($"The content does not have the digest {content} or the size {size}.");
        await destination.WriteAsync(held.AsMemory(0, heldCount), cancellationToken);
    }

    private static int ReadFrame(DecompressionStream decompressed, byte[] buffer)
    {
        try
        {
            return decompressed.Read(buffer);
        }
        catch (Exception exception) when (exception is ZstdException or EndOfStreamException)
        {
            throw new InvalidDataException("The content's zstd frame is damaged: " + exception.Message, exception);
        }
    }
}
