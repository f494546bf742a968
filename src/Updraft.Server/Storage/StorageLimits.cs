namespace Updraft.Server.Storage;

/// <summary>The settings of the storage that limit requests, as messages and metrics name them.</summary>
internal static class StorageLimits
{
    public const string ReserveBytes = StorageOptions.Section + ":" + nameof(StorageOptions.ReserveBytes);

    public static readonly IReadOnlyList<string> All = [ReserveBytes];
}
