using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// The astro CLI (1.45) as it is on the wire: its headers, its query keys in alphabetical order, its bodies, no redirects, no retries.
/// What it sends is noted in <see cref="Sent"/>; what it reads goes through <see cref="CliObject"/>, which is as strict as the CLI
/// is careless.
/// </summary>
internal sealed class CliReplay : IDisposable
{
    private readonly HttpClient _client;
    private readonly string _token;
    private readonly List<string> _sent = [];

    /// <param name="server">The server; its address stands for <c>local.core</c>.</param>
    /// <param name="token">What <c>ASTRO_API_TOKEN</c> holds; the owner's by default.</param>
    /// <param name="identifier">What the CLI calls itself: <c>cli</c>, <c>github-action</c> or <c>deploy-action</c>.</param>
    public CliReplay(UpdraftServer server, string? token = null, string identifier = "cli")
    {
        (_token, Identifier) = (token ?? server.OwnerToken, identifier);
        _client = new HttpClient(new SocketsHttpHandler { AllowAutoRedirect = false, AutomaticDecompression = DecompressionMethods.GZip })
        {
            BaseAddress = server.BaseAddress,
        };
        (Organization, Workspace) = (server.OrganizationId, server.WorkspaceId);
    }

    public string Identifier { get; }

    /// <summary>The context's Organization; <see cref="SetUpAsync"/> takes it from the token.</summary>
    public string Organization { get; private set; }

    /// <summary>The context's Workspace; <see cref="SetUpAsync"/> takes it from the token, and <c>workspace switch</c> changes it.</summary>
    public string Workspace { get; set; }

    /// <summary>Method and address of every request to the API, in order; uploads as method and <c>comp</c>.</summary>
    public IReadOnlyList<string> Sent => _sent;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>What happens before almost every command: the token is read without being verified, and one list is asked for.</summary>
    public async Task SetUpAsync()
    {
        Assert.Equal(3, _token.Split('.').Length);
        Assert.StartsWith("ES", Jwt.Header(_token).Text("alg"));
        var claims = Jwt.Claims(_token);
        Assert.True(claims["exp"] is null || claims["exp"]!.GetValueKind() == System.Text.Json.JsonValueKind.Number);
        foreach (var permission in claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>().Split(':')))
        {
            // Element 1 is used whether it is there or not.
            var value = permission[1];
            if (permission[0] == "workspaceId")
                Workspace = value;
            if (permission[0] == "organizationId")
                Organization = value;
        }
        var list = (await GetAsync("/v1/organizations", ("limit", "100"), ("offset", "0"))).Body;
        Assert.Equal("HOSTED", list.Objects("organizations")[0].Text("product"));
        list.Number("totalCount");
    }

    /// <summary>Address of a Deployment under a version of the API, in the context's Organization.</summary>
    public string DeploymentPath(string deployment, string api = "v1") => $"/{api}/organizations/{Organization}/deployments/{deployment}";

    public Task<CliResponse> GetAsync(string path, params (string Key, string Value)[] query) => SendAsync(HttpMethod.Get, path, query, null);

    public Task<CliResponse> PostAsync(string path, JsonObject body) => SendAsync(HttpMethod.Post, path, [], body);

    public Task<CliResponse> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, [], null);

    /// <summary>Uploads as the CLI's blob library does: one request below 1 MiB, else blocks of 1 MiB and their list.</summary>
    /// <returns>The version, which the CLI dereferences without a look.</returns>
    public Task<string> UploadAsync(string address, byte[] archive) => CliUpload.RunAsync(address, archive, _sent);

    public void Dispose() => _client.Dispose();

    private async Task<CliResponse> SendAsync(HttpMethod method, string path, (string Key, string Value)[] query, JsonObject? body)
    {
        var address = path + Encode(query);
        _sent.Add($"{method} {address}");
        using var request = new HttpRequestMessage(method, address);
        request.Headers.TryAddWithoutValidation("authorization", "Bearer " + _token);
        request.Headers.TryAddWithoutValidation("x-astro-client-identifier", Identifier);
        request.Headers.TryAddWithoutValidation("x-astro-client-version", "1.45.0");
        request.Headers.TryAddWithoutValidation("x-client-os-identifier", "linux-amd64");
        request.Headers.TryAddWithoutValidation("User-Agent", "astro-cli/1.45.0");
        if (body is not null)
        {
            request.Content = new ByteArrayContent(Encoding.UTF8.GetBytes(body.ToJsonString()));
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        }
        using var response = await _client.SendAsync(request, Cancelled);
        return await CliResponse.ReadAsync($"{method} {address}", response);
    }

    /// <summary>Go's <c>url.Values.Encode</c>: sorted keys; a key with several values is repeated.</summary>
    private static string Encode((string Key, string Value)[] query) => query.Length == 0 ? "" : "?" + string.Join('&', query
        .OrderBy(pair => pair.Key, StringComparer.Ordinal)
        .Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value).Replace("%20", "+", StringComparison.Ordinal)}"));
}
