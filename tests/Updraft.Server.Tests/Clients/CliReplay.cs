using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// The requests of the astro CLI (1.45): its headers, its query keys in alphabetical order, its bodies, no redirects, no retries.
/// <see cref="Sent"/> records the requests. The CLI uses many values without a check; <see cref="CliObject"/> therefore checks all of them.
/// </summary>
internal sealed class CliReplay : IDisposable
{
    private readonly HttpClient _client;
    private readonly string _token;
    private readonly List<string> _sent = [];

    /// <param name="server">The server; its URL takes the place of <c>local.core</c>.</param>
    /// <param name="token">Value of <c>ASTRO_API_TOKEN</c>; the owner token by default.</param>
    /// <param name="identifier">Value of the client identifier header: <c>cli</c>, <c>github-action</c> or <c>deploy-action</c>.</param>
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

    /// <summary>The context's Organization; <see cref="SetUpAsync"/> reads it from the token.</summary>
    public string Organization { get; private set; }

    /// <summary>
    /// The context's Workspace; <see cref="SetUpAsync"/> reads it from the token, and <c>workspace switch</c> changes it.
    /// </summary>
    public string Workspace { get; set; }

    /// <summary>Method and path of every request to the API, in order; uploads as method and <c>comp</c>.</summary>
    public IReadOnlyList<string> Sent => _sent;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <summary>The first steps of almost every command: read the token without verification, and request one list.</summary>
    public async Task SetUpAsync()
    {
        Assert.Equal(3, _token.Split('.').Length);
        Assert.StartsWith("ES", Jwt.Header(_token).Text("alg"));
        var claims = Jwt.Claims(_token);
        Assert.True(claims["exp"] is null || claims["exp"]!.GetValueKind() == System.Text.Json.JsonValueKind.Number);
        foreach (var permission in claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>().Split(':')))
        {
            // The CLI uses element 1 without a check of the length.
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

    /// <summary>Path of a Deployment in the context's Organization, under a version of the API.</summary>
    public string DeploymentPath(string deployment, string api = "v1") => $"/{api}/organizations/{Organization}/deployments/{deployment}";

    public Task<CliResponse> GetAsync(string path, params (string Key, string Value)[] query) =>
        SendAsync(HttpMethod.Get, path, query, null);

    public Task<CliResponse> PostAsync(string path, JsonObject body) => SendAsync(HttpMethod.Post, path, [], body);

    public Task<CliResponse> DeleteAsync(string path) => SendAsync(HttpMethod.Delete, path, [], null);

    /// <summary>Uploads as the CLI's blob library does: one request below 1 MiB, otherwise blocks of 1 MiB and their list.</summary>
    /// <returns>The version, which the CLI dereferences without a check.</returns>
    public Task<string> UploadAsync(string url, byte[] archive) => CliUpload.RunAsync(url, archive, _sent);

    public void Dispose() => _client.Dispose();

    private async Task<CliResponse> SendAsync(HttpMethod method, string path, (string Key, string Value)[] query, JsonObject? body)
    {
        var url = path + Encode(query);
        _sent.Add($"{method} {url}");
        using var request = new HttpRequestMessage(method, url);
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
        return await CliResponse.ReadAsync($"{method} {url}", response);
    }

    /// <summary>Encodes as Go's <c>url.Values.Encode</c>: with sorted keys, and a key with several values once for each value.</summary>
    private static string Encode((string Key, string Value)[] query) => query.Length == 0 ? "" : "?" + string.Join('&', query
        .OrderBy(pair => pair.Key, StringComparer.Ordinal)
        .Select(pair =>
            $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value).Replace("%20", "+", StringComparison.Ordinal)}"));
}
