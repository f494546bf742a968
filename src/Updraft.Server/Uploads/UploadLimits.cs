namespace Updraft.Server.Uploads;

/// <summary>The settings that limit uploads, as messages and metrics name them.</summary>
internal static class UploadLimits
{
    public const string MaxConcurrent = UploadOptions.Section + ":" + nameof(UploadOptions.MaxConcurrent);

    public const string MaxBytes = UploadOptions.Section + ":" + nameof(UploadOptions.MaxBytes);

    public const string MaxBlockBytes = UploadOptions.Section + ":" + nameof(UploadOptions.MaxBlockBytes);

    public const string MaxBlocks = UploadOptions.Section + ":" + nameof(UploadOptions.MaxBlocks);

    public const string MaxMinutes = UploadOptions.Section + ":" + nameof(UploadOptions.MaxMinutes);

    public const string MaxIdleSeconds = UploadOptions.Section + ":" + nameof(UploadOptions.MaxIdleSeconds);

    public const string MinBytesPerSecond = UploadOptions.Section + ":" + nameof(UploadOptions.MinBytesPerSecond);

    public static readonly IReadOnlyList<string> All =
        [MaxConcurrent, MaxBytes, MaxBlockBytes, MaxBlocks, MaxMinutes, MaxIdleSeconds, MinBytesPerSecond];
}
