using System.Net;
using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

/// <summary>A real registry with Updraft's tokens, and a real client of it: the registry at an address of its own, and behind Updraft's.</summary>
public sealed class RegistryTests(ITestOutputHelper output)
{
    private const long LayerBytes = 2L << 30, MaxAboveRest = 64L << 20;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_registry_lets_in_whom_Updraft_lets_in(bool isProxied)
    {
        using var registry = new RegistryProcess();
        await using var installation = await Installation.StartAsync(isProxied ? $"--Images:RegistryUrl=http://{registry.Host}" : $"--Registry={registry.Host}");
        await registry.StartAsync(installation.Address, installation.RegistryCertificate);
        var deploy = await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        var (repository, tag) = (deploy.Text("imageRepository"), deploy.Text("imageTag"));
        Assert.StartsWith((isProxied ? installation.Address.Authority : registry.Host) + "/", repository, StringComparison.Ordinal);
        var image = $"{repository}:{tag}";
        var sibling = await installation.CreateSiblingAsync();
        var elsewhere = $"{repository[..repository.LastIndexOf('/')]}/{sibling}:{tag}";
        var token = await installation.CreateDeploymentTokenAsync();
        var agent = await installation.CreateAgentTokenAsync("puller");

        Refused(await Skopeo.PushAsync(image, token: null));
        Refused(await Skopeo.PushAsync(image, "wrong"));
        Refused(await Skopeo.PushAsync(image, agent));
        Refused(await Skopeo.InspectAsync(image, token), "manifest unknown");
        Went(await Skopeo.PushAsync(image, token));

        Refused(await Skopeo.PushAsync(elsewhere, token));
        Refused(await Skopeo.InspectAsync(elsewhere, token));
        Went(await Skopeo.PushAsync(elsewhere, installation.OwnerToken));
        Refused(await Skopeo.InspectAsync(elsewhere, agent));

        // The astro CLI sends the token with its scheme first.
        Went(await Skopeo.PushAsync(image, "Bearer " + token));
        Assert.Contains(tag, Went(await Skopeo.InspectAsync(image, agent)), StringComparison.Ordinal);
        Went(await Skopeo.PullAsync(image, agent));
        Refused(await Skopeo.PushAsync(image, agent));
        Refused(await Skopeo.InspectAsync(image, token: null));
        Refused(await Skopeo.PullAsync(image, token: null));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_is_refused_says_where_a_token_is_had_in_the_registrys_form(bool isProxied)
    {
        using var registry = new RegistryProcess();
        await using var installation = await Installation.StartAsync(isProxied ? $"--Images:RegistryUrl=http://{registry.Host}" : $"--Registry={registry.Host}");
        await registry.StartAsync(installation.Address, installation.RegistryCertificate);
        var deploy = await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        var own = Repository(deploy);
        var sibling = own[..(own.LastIndexOf('/') + 1)] + await installation.CreateSiblingAsync();
        using var client = new RegistryClient(isProxied ? installation.Address : new Uri($"http://{registry.Host}"), installation.Address);

        // Nobody, then somebody whose token is for another repository, then one who may read only.
        await AssertRefusedAsync(sibling, token: null, error: null);
        var token = await installation.CreateDeploymentTokenAsync();
        await AssertRefusedAsync(sibling, await client.TokenAsync(token, $"repository:{sibling}:pull,push"), "insufficient_scope");
        await AssertRefusedAsync(sibling, await client.TokenAsync(token, $"repository:{own}:pull,push"), "insufficient_scope");
        await AssertRefusedAsync(own, await client.TokenAsync(await installation.CreateAgentTokenAsync("puller"), $"repository:{own}:pull,push"), "insufficient_scope");
        await AssertRefusedAsync(own, "garbage", error: "invalid_token");
        using var begun = await client.SendAsync(HttpMethod.Post, $"/v2/{own}/blobs/uploads/", await client.TokenAsync(token, $"repository:{own}:pull,push"));
        Assert.Equal(HttpStatusCode.Accepted, begun.StatusCode);
        Assert.Equal(client.Registry.Authority, new Uri(client.Registry, begun.Headers.Location!).Authority);

        async Task AssertRefusedAsync(string repository, string? token, string? error)
        {
            using var refused = await client.SendAsync(HttpMethod.Post, $"/v2/{repository}/blobs/uploads/", token);
            Assert.Equal(HttpStatusCode.Unauthorized, refused.StatusCode);
            var challenge = Assert.Single(refused.Headers.WwwAuthenticate);
            Assert.Equal("Bearer", challenge.Scheme);
            Assert.Contains($"realm=\"{installation.Address.OriginalString}/registry/token\"", challenge.Parameter, StringComparison.Ordinal);
            Assert.Contains("service=\"updraft-registry\"", challenge.Parameter, StringComparison.Ordinal);
            Assert.Matches($"scope=\"repository:{repository}:(pull,push|push,pull)\"", challenge.Parameter);
            if (error is not null)
                Assert.Contains($"error=\"{error}\"", challenge.Parameter, StringComparison.Ordinal);
            var body = JsonNode.Parse(await refused.Content.ReadAsStringAsync(Cancelled))!;
            var first = Assert.Single(body["errors"]!.AsArray())!;
            Assert.Contains(first.Text("code"), (string[])["UNAUTHORIZED", "DENIED"]);
            Assert.NotEqual("", first.Text("message"));
        }
    }

    /// <summary>As large as no memory of it could be overlooked: pushed in one stream as docker does, and pulled back.</summary>
    [Fact]
    [Trait("Database", "any")]
    public async Task A_layer_of_2_GiB_passes_through_the_server_and_leaves_no_trace_in_its_memory()
    {
        using var registry = new RegistryProcess();
        await using var installation = await Installation.StartAsync($"--Images:RegistryUrl=http://{registry.Host}");
        await registry.StartAsync(installation.Address, installation.RegistryCertificate);
        var repository = Repository(await installation.CreateDeployAsync(new JsonObject { ["type"] = "IMAGE_AND_DAG" }));
        using var client = new RegistryClient(installation.Address, installation.Address);
        var scope = $"repository:{repository}:pull,push";
        // Small ones first, so that the server has loaded what it needs.
        for (var i = 0; i < 3; i++)
            await client.PushBlobAsync(repository, 1 << 20, await client.TokenAsync(installation.OwnerToken, scope));
        var rest = installation.Server.MemoryBytes;
        installation.Server.ForgetPeakMemory();

        var digest = await client.PushBlobAsync(repository, LayerBytes, await client.TokenAsync(installation.OwnerToken, scope));
        var pushed = installation.Server.PeakMemoryBytes;
        var (length, pulled) = await client.PullBlobAsync(repository, digest, await client.TokenAsync(installation.OwnerToken, scope));

        Assert.Equal((LayerBytes, digest), (length, pulled));
        var most = installation.Server.PeakMemoryBytes;
        output.WriteLine($"{rest >> 20} MiB at rest, {pushed >> 20} MiB at most while pushing, {most >> 20} MiB at most after pulling");
        Assert.InRange(most - rest, long.MinValue, MaxAboveRest);
    }

    private static string Repository(JsonNode deploy) => deploy.Text("imageRepository").Split('/', 2)[1];

    private static string Went((bool Went, string Output) result)
    {
        Assert.True(result.Went, result.Output);
        return result.Output;
    }

    /// <summary>For want of a right, not because something is broken.</summary>
    private static void Refused((bool Went, string Output) result, params string[] reasons)
    {
        Assert.False(result.Went, result.Output);
        Assert.Contains(reasons.Length > 0 ? reasons : ["unauthorized", "authentication required", "denied"],
            reason => result.Output.Contains(reason, StringComparison.OrdinalIgnoreCase));
    }
}
