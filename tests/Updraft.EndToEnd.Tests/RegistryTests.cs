using System.Net;
using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>
/// A real registry that trusts the tokens of Updraft, and a real client. The registry has its own URL, or Updraft forwards to it.
/// </summary>
public sealed class RegistryTests(ITestOutputHelper output)
{
    private const long LayerBytes = 2L << 30, MaxAboveRest = 64L << 20;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Registry_allows_the_callers_that_Updraft_allows(bool isProxied)
    {
        using var registry = new RegistryProcess();
        await using var installation = await StartAsync(isProxied, registry);
        await registry.StartAsync(installation.Address, installation.RegistryCertificate);
        var deploy = await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        var (repository, tag) = (deploy.Text("imageRepository"), deploy.Text("imageTag"));
        Assert.StartsWith((isProxied ? installation.Address.Authority : registry.Host) + "/", repository, StringComparison.Ordinal);
        var image = $"{repository}:{tag}";
        var sibling = await installation.CreateSiblingAsync();
        var elsewhere = $"{repository[..repository.LastIndexOf('/')]}/{sibling}:{tag}";
        var token = await installation.CreateDeploymentTokenAsync();
        var agent = await installation.CreateAgentTokenAsync("puller");

        Rejected(await Skopeo.PushAsync(image, token: null));
        Rejected(await Skopeo.PushAsync(image, "wrong"));
        Rejected(await Skopeo.PushAsync(image, agent));
        Rejected(await Skopeo.InspectAsync(image, token), "manifest unknown");
        Succeeded(await Skopeo.PushAsync(image, token));

        Rejected(await Skopeo.PushAsync(elsewhere, token));
        Rejected(await Skopeo.InspectAsync(elsewhere, token));
        Succeeded(await Skopeo.PushAsync(elsewhere, installation.OwnerToken));
        Rejected(await Skopeo.InspectAsync(elsewhere, agent));

        // The astro CLI sends the token with its scheme first.
        Succeeded(await Skopeo.PushAsync(image, "Bearer " + token));
        Assert.Contains(tag, Succeeded(await Skopeo.InspectAsync(image, agent)), StringComparison.Ordinal);
        Succeeded(await Skopeo.PullAsync(image, agent));
        Rejected(await Skopeo.PushAsync(image, agent));
        Rejected(await Skopeo.InspectAsync(image, token: null));
        Rejected(await Skopeo.PullAsync(image, token: null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Rejected_registry_request_names_the_token_URL_401(bool isProxied)
    {
        using var registry = new RegistryProcess();
        await using var installation = await StartAsync(isProxied, registry);
        await registry.StartAsync(installation.Address, installation.RegistryCertificate);
        var deploy = await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        var own = Repository(deploy);
        var sibling = own[..(own.LastIndexOf('/') + 1)] + await installation.CreateSiblingAsync();
        using var client = new RegistryClient(isProxied ? installation.Address : new Uri($"http://{registry.Host}"), installation.Address);

        // Without a token, with a token for another repository, and with a read-only token.
        await AssertRejectedAsync(sibling, token: null, error: null);
        var token = await installation.CreateDeploymentTokenAsync();
        await AssertRejectedAsync(sibling, await client.TokenAsync(token, $"repository:{sibling}:pull,push"), "insufficient_scope");
        await AssertRejectedAsync(sibling, await client.TokenAsync(token, $"repository:{own}:pull,push"), "insufficient_scope");
        var readOnly = await client.TokenAsync(await installation.CreateAgentTokenAsync("puller"), $"repository:{own}:pull,push");
        await AssertRejectedAsync(own, readOnly, "insufficient_scope");
        await AssertRejectedAsync(own, "garbage", error: "invalid_token");
        using var begun = await client.SendAsync(
            HttpMethod.Post, $"/v2/{own}/blobs/uploads/", await client.TokenAsync(token, $"repository:{own}:pull,push"));
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        Assert.Equal(client.Registry.Authority, new Uri(client.Registry, begun.Headers.Location!).Authority);

        async Task AssertRejectedAsync(string repository, string? token, string? error)
        {
            using var rejected = await client.SendAsync(HttpMethod.Post, $"/v2/{repository}/blobs/uploads/", token);
            Assert.Equal(HttpStatusCode.Unauthorized, rejected.StatusCode);
            var challenge = Assert.Single(rejected.Headers.WwwAuthenticate);
            Assert.Equal("Bearer", challenge.Scheme);
            var realm = $"realm=\"{installation.Address.OriginalString}/registry/token\"";
            Assert.Contains(realm, challenge.Parameter, StringComparison.Ordinal);
            Assert.Contains("service=\"updraft-registry\"", challenge.Parameter, StringComparison.Ordinal);
            Assert.Matches($"scope=\"repository:{repository}:(pull,push|push,pull)\"", challenge.Parameter);
            if (error is not null)
                Assert.Contains($"error=\"{error}\"", challenge.Parameter, StringComparison.Ordinal);
            var body = JsonNode.Parse(await rejected.Content.ReadAsStringAsync(Cancelled))!;
            var first = Assert.Single(body["errors"]!.AsArray())!;
            Assert.Contains(first.Text("code"), (string[])["UNAUTHORIZED", "DENIED"]);
            Assert.NotEqual("", first.Text("message"));
        }
    }

    /// <summary>The layer is too large to hide in memory. The client pushes it in one stream, as docker does, and pulls it again.</summary>
    [Fact]
    [Trait("Runs", "ci")] // Sends 2 GiB, which takes half a minute.
    [Trait("Database", "any")]
    public async Task Layer_of_2_GiB_passes_through_the_server_without_memory_growth()
    {
        using var registry = new RegistryProcess();
        await using var installation = await Installation.StartAsync($"--Images:RegistryUrl=http://{registry.Host}");
        await registry.StartAsync(installation.Address, installation.RegistryCertificate);
        var repository = Repository(await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" }));
        using var client = new RegistryClient(installation.Address, installation.Address);
        var scope = $"repository:{repository}:pull,push";
        // Three small blobs first, so that the server has loaded its code.
        for (var i = 0; i < 3; i++)
            await client.PushBlobAsync(repository, 1 << 20, await client.TokenAsync(installation.OwnerToken, scope));
        var rest = installation.Server.MemoryBytes;
        installation.Server.ForgetPeakMemory();

        var digest = await client.PushBlobAsync(repository, LayerBytes, await client.TokenAsync(installation.OwnerToken, scope));
        var pushed = installation.Server.PeakMemoryBytes;
        var (length, pulled) = await client.PullBlobAsync(repository, digest, await client.TokenAsync(installation.OwnerToken, scope));

        Assert.Equal((LayerBytes, digest), (length, pulled));
        var most = installation.Server.PeakMemoryBytes;
        output.WriteLine($"{rest >> 20} MiB at rest, peak of {pushed >> 20} MiB after the push, {most >> 20} MiB after the pull");
        Assert.InRange(most - rest, long.MinValue, MaxAboveRest);
    }

    private static Task<Installation> StartAsync(bool isProxied, RegistryProcess registry) =>
        Installation.StartAsync(isProxied ? $"--Images:RegistryUrl=http://{registry.Host}" : $"--Registry={registry.Host}");

    private static string Repository(JsonNode deploy) => deploy.Text("imageRepository").Split('/', 2)[1];

    private static string Succeeded((bool IsDone, string Output) result)
    {
        Assert.True(result.IsDone, result.Output);
        return result.Output;
    }

    /// <summary>Asserts that the registry rejected the request for a missing permission, and not for a fault.</summary>
    private static void Rejected((bool IsDone, string Output) result, params string[] reasons)
    {
        Assert.False(result.IsDone, result.Output);
        Assert.Contains(reasons.Length > 0 ? reasons : ["unauthorized", "authentication required", "denied"],
            reason => result.Output.Contains(reason, StringComparison.OrdinalIgnoreCase));
    }
}
