using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Storage;

/// <summary>Chooses where blobs are kept.</summary>
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
        services.AddSingleton<DataDirectoryLock>();
    }

    /// <summary>The store to read from beside the server that runs: it leaves alone what that one is writing.</summary>
    public static IBlobStore OpenToRead(IServiceProvider provider) => provider.GetRequiredService<BlobStoreUrl>() is DirectoryUrl
        ? FileSystemBlobStore.ForReading(provider.GetRequiredService<IOptions<ServerOptions>>().Value)
        : provider.GetRequiredService<IBlobStore>();

    // Each in a method of its own: the libraries of a store that is not used are not even loaded.
    private static IBlobStore Open(IServiceProvider provider) => provider.GetRequiredService<BlobStoreUrl>() switch
    {
        S3Url => OpenS3(provider),
        AzureUrl => OpenAzure(provider),
        _ => ActivatorUtilities.CreateInstance<FileSystemBlobStore>(provider),
    };

    private static S3BlobStore OpenS3(IServiceProvider provider) => ActivatorUtilities.CreateInstance<S3BlobStore>(provider);

    private static AzureBlobStore OpenAzure(IServiceProvider provider) => ActivatorUtilities.CreateInstance<AzureBlobStore>(provider);
}
