using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json.Nodes;
using Updraft.Server.Storage;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Storage;

/// <summary>A server with an object store: its redirects, its errors if the store fails, and <c>scrub</c>.</summary>
[Trait("Runs", "ci")] // Starts object stores and servers, and takes half a minute.
[Trait("Database", "any")]
public sealed class StoreServerTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("Azure")]
    [InlineData("S3")]
    public async Task Pack_request_is_redirected_to_a_signed_URL(string store)
    {
        await using var server = await UpdraftServer.StartAsync(settings: await SettingsAsync(store));
        var (site, packs) = await UploadAsync(server);
        var agentToken = await server.CreateAgentTokenAsync(site.DeploymentId);
        using var agent = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.BaseAddress };
        agent.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", agentToken);

        using var redirect = await agent.GetAsync($"/agent/v1/packs/{packs}", Cancelled);
        Assert.Equal(HttpStatusCode.TemporaryRedirect, redirect.StatusCode);
        Assert.Equal("no-store", redirect.Headers.CacheControl?.ToString());
        Assert.Empty(await redirect.Content.ReadAsByteArrayAsync(Cancelled));
        using var anybody = new HttpClient();
        var stored = await anybody.GetByteArrayAsync(redirect.Headers.Location, Cancelled);

        using var direct = await agent.GetAsync($"/agent/v1/packs/{packs}?direct=true", Cancelled);
        Assert.Equal(HttpStatusCode.OK, direct.StatusCode);
        Assert.Equal(stored, await direct.Content.ReadAsByteArrayAsync(Cancelled));
        using var ranged = new HttpRequestMessage(HttpMethod.Get, $"/agent/v1/packs/{packs}?direct=true");
        ranged.Headers.Range = new RangeHeaderValue(8, 20);
        using var part = await agent.SendAsync(ranged, Cancelled);
        Assert.Equal(HttpStatusCode.PartialContent, part.StatusCode);
        Assert.Equal(stored[8..21], await part.Content.ReadAsByteArrayAsync(Cancelled));

        using var missing = await agent.GetAsync("/agent/v1/packs/c000000000000000000000000?direct=true", Cancelled);
        Assert.Equal(HttpStatusCode.NotFound, missing.StatusCode);
        using var odd = await agent.GetAsync($"/agent/v1/packs/{packs}?direct=perhaps", Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, odd.StatusCode);
        Assert.DoesNotContain(redirect.Headers.Location!.Query, server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Server_sends_packs_if_redirects_are_off()
    {
        var settings = await ObjectStores.AzureAsync();
        settings["Storage:Redirect"] = "false";
        await using var server = await UpdraftServer.StartAsync(settings: settings);
        var (site, pack) = await UploadAsync(server);
        using var agent = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false }) { BaseAddress = server.BaseAddress };
        agent.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer",
            await server.CreateAgentTokenAsync(site.DeploymentId));
        using var response = await agent.GetAsync($"/agent/v1/packs/{pack}", Cancelled);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Theory]
    [InlineData("Azure")]
    [InlineData("S3")]
    public async Task Failing_store_records_nothing_and_returns_503(string store)
    {
        var settings = await SettingsAsync(store);
        settings["Storage:Url"] = settings["Storage:Url"].Replace("/updraft/", "/no-such-place/", StringComparison.Ordinal);
        await using var server = await UpdraftServer.StartAsync(settings: settings);
        var site = await UploadSite.CreateAsync(server);

        using (var whole = await site.PutAsync(UploadSite.Tar("one")))
            Assert.Contains("Storage:Url", (await whole.ReadAsync(HttpStatusCode.ServiceUnavailable)).Text("message"),
                StringComparison.Ordinal);
        using (var block = await site.StageAsync("AAAA", [1, 2, 3]))
            await block.ReadAsync(HttpStatusCode.ServiceUnavailable);
        Assert.Empty(await site.RecordedAsync());
        using (var ready = await server.Anonymous.GetAsync("/healthz/ready", Cancelled))
            Assert.Contains("blob store", (await ready.ReadAsync(HttpStatusCode.ServiceUnavailable)).Text("message"),
                StringComparison.Ordinal);
        await server.Client.GetOkAsync($"{server.OrganizationPath}/deployments");
        Assert.DoesNotContain("testing-secret", server.LogText, StringComparison.Ordinal);
        Assert.DoesNotContain("AccountKey", server.LogText, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Scrub_of_an_object_store_reports_damaged_and_missing_blobs()
    {
        var settings = await ObjectStores.AzureAsync();
        await using var server = await UpdraftServer.StartAsync(settings: settings);
        var (first, pack) = await UploadAsync(server);
        var (second, _) = await UploadAsync(server);
        Assert.Equal((0, 0), await ScrubAsync(server));

        var options = TestStorage.Options(settings);
        var container = TestStorage.AzureContainer(options);
        var prefix = BlobStoreUrl.Of(options).Prefix;
        var blob = container.GetBlobClient($"{prefix}packs/{first.DeploymentId}/{pack}");
        var bytes = (await blob.DownloadContentAsync(Cancelled)).Value.Content.ToArray();
        bytes[10] ^= 0x55;
        await blob.UploadAsync(new BinaryData(bytes), overwrite: true, Cancelled);
        var manifest = (await TestStorage.ListAsync(options))
            .Single(name => name.StartsWith($"manifests/{second.DeploymentId}/", StringComparison.Ordinal));
        await container.DeleteBlobAsync(prefix + manifest, cancellationToken: Cancelled);

        var (code, damage) = await ScrubAsync(server, first.DeploymentId, second.DeploymentId);
        Assert.Equal(1, code);
        Assert.NotEqual(0, damage);
    }

    private static async Task<Dictionary<string, string>> SettingsAsync(string store) =>
        store == "S3" ? await ObjectStores.S3Async() : await ObjectStores.AzureAsync();

    private static async Task<(UploadSite Site, string Pack)> UploadAsync(UpdraftServer server)
    {
        var site = await UploadSite.CreateAsync(server);
        await site.UploadAsync(new TarBuilder().File("dags/a.py", $"# {site.DeployId}").ToArray());
        return (site, Path.GetFileName(Assert.Single(await UploadSite.BlobsAsync(server, $"packs/{site.DeploymentId}"))));
    }

    private static async Task<(int Code, int Damage)> ScrubAsync(UpdraftServer server, params string[] named)
    {
        using var process = Process.Start(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "Updraft.Server"),
            ["scrub", "--json", .. server.Settings.Where(setting => setting.Key == "Data"
                || setting.Key.StartsWith("Storage:", StringComparison.Ordinal)
                || setting.Key.StartsWith("Database:", StringComparison.Ordinal))
                .Select(setting => $"--{setting.Key}={setting.Value}")])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        Assert.All(named, deployment => Assert.Contains(deployment, output, StringComparison.Ordinal));
        return (process.ExitCode, JsonNode.Parse(output)!["damage"]!.AsArray().Count);
    }
}
