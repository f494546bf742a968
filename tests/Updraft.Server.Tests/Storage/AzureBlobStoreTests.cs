using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Storage;

namespace Updraft.Server.Tests.Storage;

/// <summary>Runs the contract on Azurite.</summary>
[Trait("Runs", "ci")] // Sends thousands of requests to an object store.
public sealed class AzureBlobStoreTests : ObjectStoreContract
{
    [Fact]
    public async Task Wrong_keys_are_reported_as_rejected()
    {
        var options = TestStorage.Options(await SettingsAsync());
        options.AzureConnectionString = string.Join(';', options.AzureConnectionString!.Split(';')
            .Select(part => part.StartsWith("AccountKey=", StringComparison.Ordinal)
                ? "AccountKey=" + Convert.ToBase64String(new byte[64])
                : part));
        await using var services = Open(options);
        await AssertFailsAsync(services.GetRequiredService<IBlobStore>(), "rejects the server's credentials");
    }

    private protected override Task<Dictionary<string, string>> SettingsAsync() => ObjectStores.AzureAsync();

    private protected override StorageOptions Unreachable(StorageOptions options) => new()
    {
        Url = options.Url,
        AzureConnectionString = string.Join(';', options.AzureConnectionString!.Split(';')
            .Select(part => part.StartsWith("BlobEndpoint=", StringComparison.Ordinal)
                ? "BlobEndpoint=http://127.0.0.1:9/updrafttest"
                : part)),
    };
}
