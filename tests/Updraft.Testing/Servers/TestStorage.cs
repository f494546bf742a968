using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Updraft.Server.Storage;

namespace Updraft.Testing;

/// <summary>
/// Location of the blobs of all test servers. <c>UPDRAFT_TEST_STORAGE</c> is empty for the data directory, <c>azurite</c> or <c>s3</c> for
/// a store that the tests start, or an Azure connection string. Tests that read or damage files of the data directory use <see
/// cref="Folder"/>.
/// </summary>
internal static class TestStorage
{
    /// <summary>Settings that select the data directory, for any value of the variable.</summary>
    public static IReadOnlyDictionary<string, string> Folder { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal) { ["Storage:Url"] = "" };

    /// <summary>Chooses the settings of one server.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ChooseAsync() =>
        Environment.GetEnvironmentVariable("UPDRAFT_TEST_STORAGE") switch
    {
        null or "" => Folder,
        "azurite" => await ObjectStores.AzureAsync(),
        "s3" => await ObjectStores.S3Async(),
        var connection => await ObjectStores.AzureAsync(connection),
    };

    public static StorageOptions Options(IReadOnlyDictionary<string, string> settings) => new()
    {
        Url = settings["Storage:Url"],
        AccessKey = settings.GetValueOrDefault("Storage:AccessKey"),
        SecretKey = settings.GetValueOrDefault("Storage:SecretKey"),
        AzureConnectionString = settings.GetValueOrDefault("Storage:AzureConnectionString"),
    };

    /// <summary>Names of all blobs of a server, including incomplete blobs if the store shows them.</summary>
    public static async Task<IReadOnlyList<string>> BlobsAsync(UpdraftServer server)
    {
        var options = Options(server.Settings);
        return BlobStoreUrl.Of(options) is DirectoryUrl
            ? [.. Directory.EnumerateFiles(Path.Join(server.DataDirectory, "blobs"), "*", SearchOption.AllDirectories)]
            : [.. (await ListAsync(options)).Select(name => "/" + name)];
    }

    /// <summary>Keys of all blobs in an object store, including incomplete blobs if the store shows them.</summary>
    public static async Task<IReadOnlyList<string>> ListAsync(StorageOptions options)
    {
        var names = new List<string>();
        var url = BlobStoreUrl.Of(options);
        if (url is S3Url s3)
        {
            using var client = S3Client.Open(s3, options);
            names.AddRange(await S3Client.ListAsync(client, s3));
        }
        else
        {
            var blobs = AzureContainer(options)
                .GetBlobsAsync(BlobTraits.None, BlobStates.All, url.Prefix, TestContext.Current.CancellationToken);
            await foreach (var blob in blobs)
                names.Add(blob.Name);
        }
        return [.. names.Select(name => name[url.Prefix.Length..]).Where(name => name != WriteProbe.Key)];
    }

    public static BlobContainerClient AzureContainer(StorageOptions options) => new(options.AzureConnectionString,
        ((AzureUrl)BlobStoreUrl.Of(options)).Container, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04));
}
