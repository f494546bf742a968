using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Storage;

/// <summary>Limits of the blob store; section <c>Storage</c>.</summary>
internal sealed class StorageOptions
{
    /// <summary>
    /// Free bytes that uploads leave on the disk of the data folder, so that everything else goes on; 256 MiB by default, 0 for none,
    /// at most 1 TiB.
    /// </summary>
    [Range(0L, 1024L * 1024 * 1024 * 1024)]
    public long ReserveBytes { get; set; } = 256L * 1024 * 1024;
}
