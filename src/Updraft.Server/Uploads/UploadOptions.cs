using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Uploads;

/// <summary>Limits of uploads; section <c>Uploads</c>.</summary>
internal sealed class UploadOptions
{
    /// <summary>Largest upload as it comes over the wire, in bytes; 256 MiB by default, at most 4 GiB.</summary>
    [Range(1L, 4L * 1024 * 1024 * 1024)]
    public long MaxBytes { get; set; } = 256L * 1024 * 1024;

    /// <summary>Largest single staged block, in bytes; 100 MiB by default, at most 4,000 MiB.</summary>
    [Range(1L, 4000L * 1024 * 1024)]
    public long MaxBlockBytes { get; set; } = 100L * 1024 * 1024;

    /// <summary>Most blocks in one block list; 10,000 by default, at most 50,000.</summary>
    [Range(1, 50_000)]
    public int MaxBlocks { get; set; } = 10_000;

    /// <summary>How long an upload address works, in minutes; 60 by default, at most 1,440.</summary>
    [Range(1, 1440)]
    public int UrlLifetimeMinutes { get; set; } = 60;

    /// <summary>Uploads that are served at the same time by this server; more get a 503. 64 by default, at most 10,000.</summary>
    [Range(1, 10_000)]
    public int MaxConcurrent { get; set; } = 64;

    /// <summary>Longest time for one request, in minutes; 30 by default, at most 1,440.</summary>
    [Range(1, 1440)]
    public int MaxMinutes { get; set; } = 30;
}
