using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Uploads;

/// <summary>Limits of uploads; section <c>Uploads</c>.</summary>
internal sealed class UploadOptions
{
    /// <summary>Largest upload as received, in bytes. Default 256 MiB; at most 4 GiB.</summary>
    [Range(1L, 4L * 1024 * 1024 * 1024)]
    public long MaxBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Largest staged block, in bytes. Default 100 MiB; at most 4,000 MiB.</summary>
    [Range(1L, 4000L * 1024 * 1024)]
    public long MaxBlockBytes { get; set; } = 100L * 1024 * 1024;

    /// <summary>Most blocks of one block list. Default 10,000; at most 50,000.</summary>
    [Range(1, 50_000)]
    public int MaxBlocks { get; set; } = 10_000;

    /// <summary>Lifetime of a signed upload URL, in minutes. Default 60; at most 1,440.</summary>
    [Range(1, 1440)]
    public int UrlLifetimeMinutes { get; set; } = 60;

    /// <summary>Most concurrent uploads of one replica; further ones get a 503. Default 64; at most 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>Longest duration of one request, in minutes. Default 30; at most 1,440.</summary>
    [Range(1, 1440)]
    public int MaxMinutes { get; set; } = 30;
}

/// <summary>The settings that limit uploads, as messages and metrics name them.</summary>
internal static class UploadLimits
{
    public const string MaxConcurrent = "Uploads:" + nameof(UploadOptions.MaxConcurrent);

    public const string MaxBytes = "Uploads:" + nameof(UploadOptions.MaxBytes);

    public const string MaxBlockBytes = "Uploads:" + nameof(UploadOptions.MaxBlockBytes);

    public const string MaxBlocks = "Uploads:" + nameof(UploadOptions.MaxBlocks);

    public const string MaxMinutes = "Uploads:" + nameof(UploadOptions.MaxMinutes);

    public static readonly IReadOnlyList<string> All = [MaxConcurrent, MaxBytes, MaxBlockBytes, MaxBlocks, MaxMinutes];
}
