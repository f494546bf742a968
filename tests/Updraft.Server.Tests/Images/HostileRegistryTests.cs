using System.Buffers.Text;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.IdentityModel.JsonWebTokens;
using Updraft.Server.Tests.Deploys;

namespace Updraft.Server.Tests.Images;

/// <summary>Registries and images with wrong, late or oversized data. The finalize reports the problem and changes nothing.</summary>
[Trait("Database", "any")]
public sealed class HostileRegistryTests(HostileRegistryTests.Fixture fixture) : IClassFixture<HostileRegistryTests.Fixture>
{
    private const string NoVersion = """{"dagTarballVersion":""}""", MissingImage = "is not in the registry";

    private StandInRegistry Registry => fixture.Registry;

    private UpdraftServer Server => fixture.Server;

    /// <summary>Responses that no registry sends. The finalize gets a 503, and succeeds after the registry is repaired.</summary>
    public static TheoryData<string, string> UnexpectedResponses() => new()
    {
        { "manifest too long", "too large" },
        { "manifest without end", "too large" },
        { "manifest of another digest", "for a manifest with the digest" },
        { "config of another digest", "another blob" },
        { "config without end", "too large" },
        { "config cut off", "does not respond" },
        { "status 500", "status 500" },
        { "status 401", "rejects the token of Updraft" },
        { "status 403", "rejects the token of Updraft" },
        { "status 204", "status 204" },
        { "not a registry", "is not an image registry" },
        { "config redirected round and round", "redirects more than 3 times" },
        { "config redirected to a file", "not https" },
        { "config redirected to the metadata service", "private IP address" },
        { "manifest redirected", "status 307" },
        { "hangs up", "does not respond" },
    };

    [Theory]
    [MemberData(nameof(UnexpectedResponses))]
    public async Task Unexpected_registry_response_changes_nothing_and_is_503(string name, string reason)
    {
        var (deploys, id, tag) = await DeployAsync();
        Registry.Put(tag, new TestImage("9.1.0"));
        Registry.Override = Hostile(name);

        var refusal = (await deploys.TryFinalizeAsync(id, NoVersion)).Refusal(HttpStatusCode.ServiceUnavailable);

        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        Assert.Contains("The request changed nothing", refusal, StringComparison.Ordinal);
        await AssertUnchangedAsync(deploys, id);
        Registry.Override = (_, _) => Task.FromResult(false);
        Assert.Equal("DEPLOYED", (await deploys.FinalizeAsync(id, NoVersion)).Text("status"));
    }

    /// <summary>Unusable manifests that a client may have pushed. The finalize gets a 400.</summary>
    public static TheoryData<string, string> Manifests()
    {
        var image = new TestImage();
        var config = TestImage.Descriptor("application/vnd.oci.image.config.v1+json", image.Config).ToJsonString();
        string Of(string rest) => $$"""{"schemaVersion":2,"mediaType":"{{TestImage.ManifestType}}",{{rest}}}""";
        return new()
        {
            { "", "malformed" },
            { "null", "empty" },
            { "[]", "malformed" },
            { "<html>", "malformed" },
            { string.Concat(Enumerable.Repeat("""{"config":""", 40)) + "1" + new string('}', 40), "malformed" },
            { Of("\"a\":" + new string('[', 5000) + new string(']', 5000)), "malformed" },
            { Of($"\"config\":{config},\"config\":{config},\"layers\":[]"), "malformed" },
            { Of($"\"config\":{config},\"layers\":[],\"manifests\":[]"), "an image and an index at the same time" },
            { """{"schemaVersion":1,"mediaType":"application/vnd.docker.distribution.manifest.v1+json","fsLayers":[]}""", "two media types" },
            { """{"schemaVersion":1,"fsLayers":[]}""", "not a container image" },
            { Of("\"manifests\":[]"), "its index has no image" },
            { Of("\"manifests\":[null,{\"digest\":\"sha512:00\"}]"), "without a SHA-256 digest" },
            { Of("\"manifests\":[{\"digest\":\"sha256:../../../../healthz/live\"}]"), "without a SHA-256 digest" },
            { Of($"\"manifests\":[{{\"digest\":\"sha256:{new string('0', 64)}\"}}]"), "is incomplete" },
            { Of($"\"manifests\":[{string.Join(',', Enumerable.Repeat("{}", 65))}]"), "more than 64 entries" },
            { Of($"\"config\":{config},\"layers\":[{{\"size\":-1}}]"), "without a size" },
            { Of($"\"config\":{config},\"layers\":[null]"), "without a size" },
            { Of($"\"config\":{config},\"layers\":[{{\"size\":9223372036854775807}},{{\"size\":9223372036854775807}}]"), "without a size" },
            { Of($"\"config\":{config.Replace("sha256:", "md5:", StringComparison.Ordinal)},\"layers\":[]"), "no SHA-256 digest" },
            { Of($"\"config\":{config.Replace("\"size\":", "\"size\":9", StringComparison.Ordinal)}0000000,\"layers\":[]".Replace("}0000000", "0000000}", StringComparison.Ordinal)), "has more than" },
            { Of($"\"config\":{config},\"layers\":[]"), "is incomplete" },
        };
    }

    [Theory]
    [MemberData(nameof(Manifests))]
    public async Task Unusable_manifest_is_rejected_with_the_reason_and_400(string manifest, string reason)
    {
        var (deploys, id, tag) = await DeployAsync();
        Registry.Put(tag, TestImage.ManifestType, Encoding.UTF8.GetBytes(manifest));

        var refusal = (await deploys.TryFinalizeAsync(id, NoVersion)).Refusal();

        Assert.Contains(reason, refusal, StringComparison.Ordinal);
        await AssertUnchangedAsync(deploys, id);
    }

    [Theory]
    [InlineData("""{"architecture":5}""")]
    [InlineData("""{"config":{"Labels":{"io.astronomer.docker.runtime.version":5}}}""")]
    [InlineData("""{"os":"linux","os":"windows"}""")]
    [InlineData("null")]
    [InlineData("nonsense")]
    public async Task Unreadable_image_config_is_rejected_with_400(string config)
    {
        var (deploys, id, tag) = await DeployAsync();
        PutWithConfig(tag, config);

        (await deploys.TryFinalizeAsync(id, NoVersion)).Refusal();

        await AssertUnchangedAsync(deploys, id);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"config":null}""")]
    [InlineData("""{"os":"lin\nux","architecture":"<b>","config":{"Labels":null}}""")]
    [InlineData("""{"config":{"Labels":{"io.astronomer.docker.runtime.version":"9.1.0\r\nSet-Cookie: a=b"}}}""")]
    [InlineData("""{"config":{"Labels":{"io.astronomer.docker.runtime.version":null}}}""")]
    public async Task Invalid_version_labels_count_as_unknown(string config)
    {
        var (deploys, id, tag) = await DeployAsync();
        PutWithConfig(tag, config);

        var deploy = await deploys.FinalizeAsync(id, NoVersion);

        Assert.False(deploy.Has("astroRuntimeVersion"));
        Assert.Equal("NA", deploy.Text("airflowVersion"));
    }

    [Fact]
    public async Task Registry_request_has_a_short_token_and_accepts_all_manifests()
    {
        var (deploys, id, tag) = await DeployAsync();
        Registry.Put(tag, new TestImage());
        Registry.Requests.Clear();

        await deploys.FinalizeAsync(id, NoVersion);

        Assert.Equal(2, Registry.Requests.Count);
        Assert.All(Registry.Requests, request =>
        {
            var token = new JsonWebToken(request.Authorization["Bearer ".Length..]);
            Assert.Equal(TimeSpan.FromMinutes(5), token.ValidTo - token.ValidFrom);
            var access = Assert.Single(JsonNode.Parse(Encoding.UTF8.GetString(Base64Url.DecodeFromChars(token.EncodedPayload)))!["access"]!.AsArray())!;
            Assert.Equal($"{Server.OrganizationId}/{deploys.DeploymentId}", access["name"]!.GetValue<string>());
            Assert.Equal("pull", Assert.Single(access["actions"]!.AsArray())!.GetValue<string>());
        });
        Assert.All(["oci.image.manifest.v1", "oci.image.index.v1", "docker.distribution.manifest.v2",
            "docker.distribution.manifest.list.v2"],
            type => Assert.Contains(type, Registry.Requests.First().Accept, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Blob_redirect_to_another_host_gets_no_token()
    {
        await using var store = await StandInRegistry.StartAsync();
        var (deploys, id, tag) = await DeployAsync();
        var image = new TestImage("9.1.0");
        Registry.Put(tag, image);
        store.Put("config", "application/octet-stream", image.Config);
        Registry.Override = (context, path) =>
        {
            if (!path.StartsWith("blobs/", StringComparison.Ordinal))
                return Task.FromResult(false);
            // Another port of the same host counts as another host.
            context.Response.Redirect($"{store.Address}store/config", permanent: false, preserveMethod: true);
            return Task.FromResult(true);
        };

        var deploy = await deploys.FinalizeAsync(id, NoVersion);

        Assert.Equal("9.1.0", deploy.Text("astroRuntimeVersion"));
        var (_, _, authorization, _) = Assert.Single(store.Requests);
        Assert.Equal("", authorization);
    }

    [Fact]
    public async Task Failed_registry_request_is_retried()
    {
        var (deploys, id, tag) = await DeployAsync();
        Registry.Put(tag, new TestImage());
        var left = 2;
        Registry.Override = (context, _) =>
        {
            if (Interlocked.Decrement(ref left) < 0)
                return Task.FromResult(false);
            context.Response.StatusCode = StatusCodes.Status502BadGateway;
            return Task.FromResult(true);
        };

        Assert.Equal("DEPLOYED", (await deploys.FinalizeAsync(id, NoVersion)).Text("status"));
    }

    [Fact]
    public async Task Repeated_finalize_needs_no_registry()
    {
        var (deploys, id, tag) = await DeployAsync();
        Registry.Put(tag, new TestImage());
        await deploys.FinalizeAsync(id, NoVersion);
        Registry.Requests.Clear();

        await deploys.FinalizeAsync(id, NoVersion);

        Assert.Empty(Registry.Requests);
    }

    [Fact]
    public async Task Checks_without_the_registry_come_first()
    {
        var (deploys, id, _) = await DeployAsync();
        Registry.Requests.Clear();

        (await deploys.TryFinalizeAsync(id, """{"dagTarballVersion":"2020-01-01T00:00:00.0000000Z"}""")).Refusal();
        (await deploys.TryFinalizeAsync(id, "{}")).Refusal();
        (await deploys.TryFinalizeAsync("cnone00000000000000000000", NoVersion)).Refusal(HttpStatusCode.NotFound);

        Assert.Empty(Registry.Requests);
        Assert.Contains(MissingImage, (await deploys.TryFinalizeAsync(id, NoVersion)).Refusal(), StringComparison.Ordinal);
    }

    private static Func<HttpContext, string, Task<bool>> Hostile(string name) => async (context, path) =>
    {
        var (response, isManifest) = (context.Response, path.StartsWith("manifests/", StringComparison.Ordinal));
        if (isManifest != !name.StartsWith("config", StringComparison.Ordinal))
            return false;
        response.ContentType = TestImage.ManifestType;
        switch (name)
        {
            case "manifest too long":
                response.ContentLength = (4 << 20) + 1;
                await response.Body.WriteAsync(new byte[(4 << 20) + 1]);
                break;
            case "manifest without end" or "config without end":
                while (!context.RequestAborted.IsCancellationRequested)
                    await response.Body.WriteAsync(new byte[1 << 16]);
                break;
            case "manifest of another digest":
                response.Headers["Docker-Content-Digest"] = TestImage.DigestOf([]);
                await response.Body.WriteAsync(new TestImage().Manifest);
                break;
            case "config of another digest":
                await response.Body.WriteAsync(new TestImage().Config);
                break;
            case "config cut off":
                response.ContentLength = 1000;
                await response.Body.WriteAsync(new byte[10]);
                await response.Body.FlushAsync();
                context.Abort();
                break;
            case "not a registry":
                response.StatusCode = StatusCodes.Status404NotFound;
                response.ContentType = "text/html";
                await response.WriteAsync("<h1>Not Found</h1>");
                break;
            case "config redirected round and round":
                response.Redirect(context.Request.Path, permanent: false, preserveMethod: true);
                break;
            case "config redirected to the metadata service":
                response.Redirect("http://169.254.169.254/latest/meta-data/");
                break;
            case "manifest redirected":
                response.Redirect("/v2/elsewhere", permanent: false, preserveMethod: true);
                break;
            case "config redirected to a file":
                response.Redirect("file:///etc/passwd");
                break;
            case "hangs up":
                context.Abort();
                break;
            default:
                response.StatusCode = int.Parse(name["status ".Length..], System.Globalization.CultureInfo.InvariantCulture);
                break;
        }
        return true;
    };

    private void PutWithConfig(string tag, string config)
    {
        var bytes = Encoding.UTF8.GetBytes(config);
        Registry.Put(TestImage.DigestOf(bytes), "application/octet-stream", bytes);
        Registry.Put(tag, TestImage.ManifestType, TestImage.Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = TestImage.ManifestType,
            ["config"] = TestImage.Descriptor("application/vnd.oci.image.config.v1+json", bytes),
            ["layers"] = new JsonArray(),
        }));
    }

    private async Task<(DeploysApi Deploys, string Id, string Tag)> DeployAsync()
    {
        Registry.Override = (_, _) => Task.FromResult(false);
        var deploys = await DeploysApi.NewDeploymentAsync(Server);
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);
        return (deploys, deploy.Text("id"), deploy.Text("imageTag"));
    }

    private static async Task AssertUnchangedAsync(DeploysApi deploys, string id)
    {
        Assert.Equal("INITIALIZED", (await deploys.GetAsync(id)).Text("status"));
        Assert.Equal(0, await deploys.RevisionAsync());
    }

    /// <summary>A server whose registry is a stand-in.</summary>
    public sealed class Fixture : IAsyncLifetime
    {
        private UpdraftServer? _server;
        private StandInRegistry? _registry;

        internal UpdraftServer Server => _server!;

        internal StandInRegistry Registry => _registry!;

        public async ValueTask InitializeAsync()
        {
            _registry = await StandInRegistry.StartAsync();
            _server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string> { ["Images:RegistryUrl"] =
                _registry.Address.OriginalString });
        }

        public async ValueTask DisposeAsync()
        {
            await _server!.DisposeAsync();
            await _registry!.DisposeAsync();
        }
    }
}
