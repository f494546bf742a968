namespace Updraft.Protocol;

/// <summary>
/// A pack is one blob with the contents that a version adds: zstd frames one after another, then an index, then a trailer.
/// Each content has its own frame, so that a range request can read it. Format: docs/formats/pack.md.
/// <code>
/// 0            magic "UPDRPCK1"                                        8 bytes
/// 8            zstd frame of each content, in the order of writing
/// index        per content: digest 32, offset u64, length u64, size u64   56 bytes each
/// end - 64     index offset u64, count u64, SHA-256 of the index 32, zero 8, magic 8
/// </code>
/// Numbers are little-endian.
/// </summary>
internal static class Pack
{
    internal const int IndexEntrySize = Digest.Size + 3 * 8;
    internal const int TrailerSize = 64;
    internal const int CompressionLevel = 3;

    /// <summary>Largest zstd window that a reader accepts, as a power of two: 8 MiB. Level 3 writes at most 2 MiB.</summary>
    internal const int MaxWindowLog = 23;

    internal static ReadOnlySpan<byte> Magic => "UPDRPCK1"u8;
}

/// <summary>One content of a pack.</summary>
/// <param name="Content">SHA-256 of the content.</param>
/// <param name="Offset">Number of bytes from the start of the pack to the zstd frame.</param>
/// <param name="Length">Length of the zstd frame in bytes.</param>
/// <param name="Size">Length of the content in bytes.</param>
public readonly record struct PackEntry(Digest Content, long Offset, long Length, long Size);
