using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Uploads;

/// <summary>Limits of uploads.</summary>
internal sealed class UploadOptions
{
    public const string Section = "Uploads";

    /// <summary>Maximum size of one upload in bytes, as transferred.</summary>
    [Range(1L, 4L * 1024 * 1024 * 1024)]
    public long MaxBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Maximum size of one staged block in bytes.</summary>
    [Range(1L, 4000L * 1024 * 1024)]
    public long MaxBlockBytes { get; set; } = 100L * 1024 * 1024;

    /// <summary>Maximum number of blocks of one upload.</summary>
    [Range(1, 50_000)]
    public int MaxBlocks { get; set; } = 10_000;

    /// <summary>How long a signed upload URL is valid, in minutes.</summary>
    [Range(1, 1440)]
    public int UrlLifetimeMinutes { get; set; } = 60;

    /// <summary>Maximum number of simultaneous uploads of one replica. A further upload gets a 503.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>Maximum duration of one upload request, in minutes.</summary>
    [Range(1, 1440)]
    public int MaxMinutes { get; set; } = 30;

    /// <summary>
    /// Maximum time in seconds without a byte of an upload, also before its first byte. A CI job that packs and uploads through a pipe can
    /// pause as long as this.
    /// </summary>
    [Range(1, 3600)]
    public int MaxIdleSeconds { get; set; } = 120;

    /// <summary>
    /// Minimum average speed of an upload in bytes per second. It counts after `Uploads:MaxIdleSeconds` of waiting for the client. 0 allows
    /// any speed.
    /// </summary>
    [Range(0, 1024 * 1024 * 1024)]
    public int MinBytesPerSecond { get; set; } = 16;
}
