using Azure.Storage.Blobs;
using Azure.Storage.Blobs.Models;
using Updraft.Server.Storage;

namespace Updraft.Testing;

/// <summary>
/// Where the servers of all tests keep their blobs: <c>UPDRAFT_TEST_STORAGE</c> is empty for the data folder, <c>azurite</c> or <c>s3</c> for a
/// store that the tests start, or a connection string of Azure. Tests that look at, or damage, files of the folder say so with
/// <see cref="Folder"/>.
/// </summary>
internal static class TestStorage
{
    /// <summary>The data folder, whatever the variable says.</summary>
    public static IReadOnlyDictionary<string, string> Folder { get; } = new Dictionary<string, string>(StringComparer.Ordinal) { ["Storage:Url"] = "" };

    /// <summary>Settings for one server.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> ChooseAsync() => Environment.GetEnvironmentVariable("UPDRAFT_TEST_STORAGE") switch
    {
        null or "" => Folder,
        "azurite" => await ObjectStores.AzureAsync(),
        "s3" => await ObjectStores.S3Async(),
        var connection => await ObjectStores.AzureAsync(connection),
    };

    /// <summary>The same as options.</summary>
    public static StorageOptions Options(IReadOnlyDictionary<string, string> settings) => new()
    {
        Url = settings["Storage:Url"],
        AccessKey = settings.GetValueOrDefault("Storage:AccessKey"),
        SecretKey = settings.GetValueOrDefault("Storage:SecretKey"),
        AzureConnectionString = settings.GetValueOrDefault("Storage:AzureConnectionString"),
    };

    /// <summary>Names of all blobs that a server keeps, those in the making too where the store shows them.</summary>
    public static async Task<IReadOnlyList<string>> BlobsAsync(UpdraftServer server)
    {
        var options = Options(server.Settings);
        return BlobStoreUrl.Of(options) is DirectoryUrl
            ? [.. Directory.EnumerateFiles(Path.Join(server.DataDirectory, "blobs"), "*", SearchOption.AllDirectories)]
            : [.. (await ListAsync(options)).Select(name => "/" + name)];
    }

    /// <summary>Keys of all blobs in an object store, those in the making too where the store shows them.</summary>
    public static async Task<IReadOnlyList<string>> ListAsync(StorageOptions options)
    {
        var names = new List<string>();
        var address = BlobStoreUrl.Of(options);
        if (address is S3Url s3)
        {
            using var client = S3Client.Open(s3, options);
            names.AddRange(await S3Client.ListAsync(client, s3));
        }
        else
        {
            await foreach (var blob in AzureContainer(options).GetBlobsAsync(BlobTraits.None, BlobStates.All, address.Prefix, TestContext.Current.CancellationToken))
                names.Add(blob.Name);
        }
        return [.. names.Select(name => name[address.Prefix.Length..]).Where(name => name != WriteProbe.Key)];
    }

    public static BlobContainerClient AzureContainer(StorageOptions options) => new(options.AzureConnectionString,
        ((AzureUrl)BlobStoreUrl.Of(options)).Container, new BlobClientOptions(BlobClientOptions.ServiceVersion.V2024_11_04));
}
