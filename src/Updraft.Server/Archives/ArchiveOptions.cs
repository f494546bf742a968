using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Archives;

/// <summary>What an uploaded archive may hold; section <c>Archives</c>.</summary>
internal sealed class ArchiveOptions
{
    /// <summary>
    /// Largest archive after decompression, and largest sum of its files' sizes with links counted as copies, in bytes;
    /// 1 GiB by default, at most 10 GiB.
    /// </summary>
    [Range(1L, 10L * 1024 * 1024 * 1024)]
    public long MaxUnpackedBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>How many bytes one compressed byte may become, once more than 8 MiB have come out; 200 by default, at most 1,000.</summary>
    [Range(1, 1000)]
    public int MaxRatio { get; set; } = 200;

    /// <summary>Most files and folders, with those that links stand for; 100,000 by default, at most 1,000,000.</summary>
    [Range(1, 1_000_000)]
    public int MaxEntries { get; set; } = 100_000;

    /// <summary>Longest path, in bytes of UTF-8; 1,024 by default, at most 4,096.</summary>
    [Range(1, 4096)]
    public int MaxPathBytes { get; set; } = 1024;

    /// <summary>Most components of a path; 64 by default, at most 1,024.</summary>
    [Range(1, 1024)]
    public int MaxDepth { get; set; } = 64;

    /// <summary>Largest extended header (PAX or GNU long name) of one entry, in bytes; 1 MiB by default.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxEntryMetadataBytes { get; set; } = 1024 * 1024;

    /// <summary>Extended headers of a whole archive, in bytes; 16 MiB by default.</summary>
    [Range(1024L, 1024L * 1024 * 1024)]
    public long MaxMetadataBytes { get; set; } = 16L * 1024 * 1024;
}
