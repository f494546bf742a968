namespace Updraft.Client;

/// <summary>How archives are uploaded.</summary>
public sealed record UploadSettings
{
    /// <summary>Archives of a known length up to this many bytes go in one request; 256 MiB by default.</summary>
    public long SingleRequestBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Bytes of a block of any other archive, which is held in memory while it is sent; 8 MiB by default.</summary>
    public int BlockBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>How often a request is tried again after a failure that may pass; 3 by default.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>Pause before the first retry; it doubles with each, up to a minute. The server's own wish counts more. 0.8 seconds by default.</summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>Where pauses take their time from.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
