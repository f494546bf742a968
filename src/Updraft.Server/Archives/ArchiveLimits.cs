namespace Updraft.Server.Archives;

/// <summary>The settings that limit archives, as messages and metrics name them.</summary>
internal static class ArchiveLimits
{
    public const string MaxUnpackedBytes = ArchiveOptions.Section + ":" + nameof(ArchiveOptions.MaxUnpackedBytes);

    public const string MaxEntries = ArchiveOptions.Section + ":" + nameof(ArchiveOptions.MaxEntries);

    public const string MaxPathBytes = ArchiveOptions.Section + ":" + nameof(ArchiveOptions.MaxPathBytes);

    public const string MaxDepth = ArchiveOptions.Section + ":" + nameof(ArchiveOptions.MaxDepth);

    public const string MaxEntryMetadataBytes = ArchiveOptions.Section + ":" + nameof(ArchiveOptions.MaxEntryMetadataBytes);

    public const string MaxMetadataBytes = ArchiveOptions.Section + ":" + nameof(ArchiveOptions.MaxMetadataBytes);

    public static readonly IReadOnlyList<string> All =
        [MaxUnpackedBytes, MaxEntries, MaxPathBytes, MaxDepth, MaxEntryMetadataBytes, MaxMetadataBytes];
}
