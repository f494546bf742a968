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
}
