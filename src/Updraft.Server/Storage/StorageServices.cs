using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Storage;

/// <summary>Registers the blob store that <c>Storage:Url</c> names.</summary>
internal static class StorageServices
{
    public static void AddStorage(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddOptions<StorageOptions>().BindConfiguration("Storage").ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<IValidateOptions<StorageOptions>, StorageOptions.Validator>();
        services.AddSingleton(provider => BlobStoreUrl.Of(provider.GetRequiredService<IOptions<StorageOptions>>().Value));
        services.AddSingleton(provider => Open(provider));
        services.AddSingleton<FreeSpace>();
        services.AddMetricsOf(StorageMetrics.Begin);
        services.AddLimits(StorageLimits.All);
        services.AddSingleton<DataDirectoryLock>();
    }

    /// <summary>Opens the store for reading while a server runs. It does not delete uncommitted blobs of that server.</summary>
    public static IBlobStore OpenForReading(IServiceProvider provider) => provider.GetRequiredService<BlobStoreUrl>() is DirectoryUrl
        ? FileSystemBlobStore.ForReading(provider.GetRequiredService<IOptions<ServerOptions>>().Value)
        : provider.GetRequiredService<IBlobStore>();

    // One method per store, so that the runtime does not load the SDK of an unused store.
    private static IBlobStore Open(IServiceProvider provider) => provider.GetRequiredService<BlobStoreUrl>() switch
    {
        S3Url => OpenS3(provider),
        AzureUrl => OpenAzure(provider),
        _ => ActivatorUtilities.CreateInstance<FileSystemBlobStore>(provider),
    };

    private static S3BlobStore OpenS3(IServiceProvider provider) => ActivatorUtilities.CreateInstance<S3BlobStore>(provider);

    private static AzureBlobStore OpenAzure(IServiceProvider provider) => ActivatorUtilities.CreateInstance<AzureBlobStore>(provider);
}
