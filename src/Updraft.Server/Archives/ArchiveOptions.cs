using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Archives;

/// <summary>Limits of uploaded archives; section <c>Archives</c>.</summary>
internal sealed class ArchiveOptions
{
    /// <summary>
    /// Largest archive after decompression, in bytes, and largest sum of its file sizes with links counted as copies. Default 1 GiB; at most
    /// 10 GiB.
    /// </summary>
    [Range(1L, 10L * 1024 * 1024 * 1024)]
    public long MaxUnpackedBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>Largest ratio of unpacked to compressed bytes, checked after the first 8 MiB. Default 200; at most 1,000.</summary>
    [Range(1, 1000)]
    public int MaxRatio { get; set; } = 200;

    /// <summary>Most files and directories, with the copies that links stand for. Default 100,000; at most 1,000,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxEntries { get; set; } = 100_000;

    /// <summary>Longest path, in bytes of UTF-8. Default 1,024; at most 4,096.</summary>
    [Range(1, 4096)]
    public int MaxPathBytes { get; set; } = 1024;

    /// <summary>Most components of a path. Default 64; at most 1,024.</summary>
    [Range(1, 1024)]
    public int MaxDepth { get; set; } = 64;

    /// <summary>Largest extended header (PAX or GNU long name) of one entry, in bytes. Default 1 MiB; from 1 KiB to 16 MiB.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxEntryMetadataBytes { get; set; } = 1024 * 1024;

    /// <summary>Largest sum of all extended headers of an archive, in bytes. Default 16 MiB; from 1 KiB to 1 GiB.</summary>
    [Range(1024L, 1024L * 1024 * 1024)]
    public long MaxMetadataBytes { get; set; } = 16L * 1024 * 1024;
}

/// <summary>The settings that limit archives, as messages and metrics name them.</summary>
internal static class ArchiveLimits
{
    public const string MaxUnpackedBytes = "Archives:" + nameof(ArchiveOptions.MaxUnpackedBytes);

    public const string MaxRatio = "Archives:" + nameof(ArchiveOptions.MaxRatio);

    public const string MaxEntries = "Archives:" + nameof(ArchiveOptions.MaxEntries);

    public const string MaxPathBytes = "Archives:" + nameof(ArchiveOptions.MaxPathBytes);

    public const string MaxDepth = "Archives:" + nameof(ArchiveOptions.MaxDepth);

    public const string MaxEntryMetadataBytes = "Archives:" + nameof(ArchiveOptions.MaxEntryMetadataBytes);

    public const string MaxMetadataBytes = "Archives:" + nameof(ArchiveOptions.MaxMetadataBytes);

    public static readonly IReadOnlyList<string> All =
        [MaxUnpackedBytes, MaxRatio, MaxEntries, MaxPathBytes, MaxDepth, MaxEntryMetadataBytes, MaxMetadataBytes];
}
