namespace Updraft.Client;

/// <summary>Settings of archive uploads.</summary>
public sealed record UploadSettings
{
    /// <summary>Largest archive of known length that is sent in one request, in bytes. Default: 256 MiB.</summary>
    public long SingleRequestBytes { get; init; } = 256L * 1024 * 1024;

    /// <summary>Size of a block of any other archive, in bytes. One block is held in memory. Default: 8 MiB.</summary>
    public int BlockBytes { get; init; } = 8 * 1024 * 1024;

    /// <summary>Number of retries of a request after temporary failures. Default: 3.</summary>
    public int Retries { get; init; } = 3;

    /// <summary>
    /// Pause before the first retry. It doubles with each retry, up to one minute. A <c>Retry-After</c> header of the server takes
    /// precedence. Default: 0.8 seconds.
    /// </summary>
    public TimeSpan RetryDelay { get; init; } = TimeSpan.FromMilliseconds(800);

    /// <summary>Clock for the pauses. Default: the system clock.</summary>
    public TimeProvider Clock { get; init; } = TimeProvider.System;
}
