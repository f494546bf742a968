using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>Deploys whose blobs are in an object store. The server redirects agents to the store for packs.</summary>
[Trait("Runs", "ci")] // Starts object stores, servers and agents.
public sealed class ObjectStoreTests
{
    private const string Large = "large.txt";

    [Theory]
    [InlineData("Azure")]
    [InlineData("S3")]
    public async Task Agents_fetch_packs_from_the_object_store(string store)
    {
        await using var installation = await Installation.StartAsync(await SettingsAsync(store));
        await using var proxy = new Relay(installation.Address);
        var agent = await installation.StartAgentAsync(proxy.Address);
        var dags = Tree.WithDags(50).With(Large, Tree.Noise(4_000_000));

        await installation.DeployAsync(dags);
        await agent.SeesAsync(dags);
        Assert.InRange(proxy.Received, 1, 200_000);

        var bundle = Tree.Stamped(5, "beside them");
        await installation.DeployBundleAsync("dbt/shop", bundle);
        await agent.SeesAsync(bundle, "dbt/shop");
        installation.KillServer();
        await installation.StartServerAsync();
        var changed = dags.With("new.py", "# new");
        await installation.DeployAsync(changed);
        await agent.SeesAsync(changed);
        Assert.DoesNotContain("pack_store_fallback", agent.Log, StringComparison.Ordinal);
        Assert.DoesNotContain("sig=", installation.Server.Output + agent.Log, StringComparison.OrdinalIgnoreCase);
        Assert.DoesNotContain("X-Amz-Signature", installation.Server.Output + agent.Log, StringComparison.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("Azure")]
    [InlineData("S3")]
    public async Task Agents_without_redirects_fetch_packs_from_the_server(string store)
    {
        await using var installation = await Installation.StartAsync([.. await SettingsAsync(store), "--Storage:Redirect=false"]);
        await using var proxy = new Relay(installation.Address);
        var agent = await installation.StartAgentAsync(proxy.Address);
        var dags = Tree.WithDags(50).With(Large, Tree.Noise(4_000_000));

        await installation.DeployAsync(dags);

        await agent.SeesAsync(dags);
        Assert.True(proxy.Received > 1_900_000, $"Only {proxy.Received} bytes passed through the server.");
    }

    [Fact]
    [Trait("Database", "SQLite")]
    public async Task Server_with_blobs_in_the_data_directory_loads_no_object_store_client()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var dags = Tree.WithDags(5);
        await installation.DeployAsync(dags);
        await agent.SeesAsync(dags);

        Assert.Contains("Updraft.Server.dll", installation.Server.MappedFiles, StringComparison.Ordinal);
        Assert.DoesNotContain("AWSSDK", installation.Server.MappedFiles, StringComparison.Ordinal);
        Assert.DoesNotContain("Azure.", installation.Server.MappedFiles, StringComparison.Ordinal);
    }

    private static async Task<string[]> SettingsAsync(string store) =>
        [.. (store == "S3" ? await ObjectStores.S3Async() : await ObjectStores.AzureAsync())
            .Select(setting => $"--{setting.Key}={setting.Value}")];
}
