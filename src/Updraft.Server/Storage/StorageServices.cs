namespace Updraft.Server.Storage;

/// <summary>Chooses where blobs are kept.</summary>
internal static class StorageServices
{
    public static void AddStorage(this IServiceCollection services)
    {
        services.AddOptions<StorageOptions>().BindConfiguration("Storage").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IBlobStore, FileSystemBlobStore>();
        services.AddSingleton<FreeSpace>();
        services.AddSingleton<DataFolderLock>();
    }
}
