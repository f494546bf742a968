using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Archives;

/// <summary>Limits of uploaded archives. The server rejects an archive that exceeds a limit with a 400 that names the entry.</summary>
internal sealed class ArchiveOptions
{
    public const string Section = "Archives";

    /// <summary>
    /// Maximum size of the decompressed archive in bytes. It is also the maximum sum of the sizes of its files, where a link counts like a
    /// copy of its target.
    /// </summary>
    [Range(1L, 10L * 1024 * 1024 * 1024)]
    public long MaxUnpackedBytes { get; set; } = 1024L * 1024 * 1024;

    /// <summary>Maximum number of files and directories. A link counts like a copy of its target.</summary>
    [Range(1, 1_000_000)]
    public int MaxEntries { get; set; } = 100_000;

    /// <summary>Maximum length of a path in bytes of UTF-8.</summary>
    [Range(1, 4096)]
    public int MaxPathBytes { get; set; } = 1024;

    /// <summary>Maximum number of components of a path.</summary>
    [Range(1, 1024)]
    public int MaxDepth { get; set; } = 64;

    /// <summary>Maximum size of the extended header (PAX or GNU long name) of one entry in bytes.</summary>
    [Range(1024, 16 * 1024 * 1024)]
    public int MaxEntryMetadataBytes { get; set; } = 1024 * 1024;

    /// <summary>Maximum size of all extended headers of one archive in bytes.</summary>
    [Range(1024L, 1024L * 1024 * 1024)]
    public long MaxMetadataBytes { get; set; } = 16L * 1024 * 1024;

    /// <summary>
    /// Whether uploads keep the bytecode of Python, the files <c>*.pyc</c> in directories <c>__pycache__</c>. By default, the server leaves
    /// these files out, and the response to the upload says so.
    /// </summary>
    public bool KeepBytecode { get; set; }
}
