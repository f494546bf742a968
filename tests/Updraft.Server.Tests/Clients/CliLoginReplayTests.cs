using System.Buffers.Text;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.SignIn;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// Both forms of <c>astro login</c>. Tests with a real browser cover the interactive form from the provider to the authorization code. Here
/// the code already exists.
/// </summary>
public sealed class CliLoginReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Callback = "http://localhost:12345/callback";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ORGANIZATION", "ORGANIZATION_OWNER")]
    [InlineData("WORKSPACE", "WORKSPACE_OWNER")]
    public async Task Login_with_a_token(string scope, string role)
    {
        var token = await Server.CreateTokenAsync(scope, role, scope == "WORKSPACE" ? Server.WorkspaceId : null);
        var (requests, email) = await BeginSessionAsync(await DiscoverAsync(), token);
        ReplayTable.Show("astro login -t TOKEN", requests, $"{scope}: Logging in as {email}");
    }

    [Fact]
    public async Task Login_in_a_browser_and_refresh()
    {
        var (user, _, _) = await Server.AddUserAsync($"{EntityId.New(TimeProvider.System)}@example.org");
        await Server.Client.PostOkAsync($"{Server.OrganizationPath}/users/{user}/roles",
            System.Text.Json.Nodes.JsonNode.Parse("""{"organizationRole":"ORGANIZATION_OWNER"}""")!);
        var config = await DiscoverAsync();
        var verifier = AuthorizationCodes.NewSecret();
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        await using var scope = Server.Services.CreateAsyncScope();
        var code = await scope.ServiceProvider.GetRequiredService<AuthorizationCodes>().IssueAsync(new UserId(user),
            new AuthorizationRequest(Callback, challenge, null), TestContext.Current.CancellationToken);

        var response = await ExchangeAsync(config, ("client_id", config.Text("clientId")), ("code", code), ("code_verifier", verifier),
            ("grant_type", "authorization_code"), ("redirect_uri", Callback));
        var (requests, email) = await BeginSessionAsync(config, response.Text("access_token"));
        ReplayTable.Show("astro login (after the browser)", requests + 1, $"Logging in as {email}");

        var again = await ExchangeAsync(await DiscoverAsync(), ("client_id", config.Text("clientId")), ("grant_type", "refresh_token"),
            ("refresh_token", response.Text("refresh_token")));
        await BeginSessionAsync(config, again.Text("access_token"));
        ReplayTable.Show("astro login (refresh)", 2, $"a token for {again.Number("expires_in")} seconds more");
    }

    /// <summary>The path is a constant in the CLI. The server must respond with exactly 200.</summary>
    private async Task<CliObject> DiscoverAsync()
    {
        using var client = new HttpClient { BaseAddress = Server.BaseAddress };
        using var request = new HttpRequestMessage(HttpMethod.Get, "/private/v1alpha1/cli/auth-config");
        request.Content = new ByteArrayContent([]);
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
        request.Headers.TryAddWithoutValidation("X-Astro-Client-Identifier", "cli");
        using var response = await client.SendAsync(request, Cancelled);
        var config = (await CliResponse.ReadAsync("GET auth-config", response)).Body;
        Assert.NotEmpty(config.Text("clientId"));
        Assert.NotEmpty(config.Text("audience"));
        // The CLI appends paths without a separator.
        Assert.EndsWith("/", config.Text("domainUrl"));
        return config;
    }

    private static async Task<CliObject> ExchangeAsync(CliObject config, params (string Key, string Value)[] form)
    {
        using var client = new HttpClient();
        using var content = new FormUrlEncodedContent(form.Select(field => KeyValuePair.Create(field.Key, field.Value)));
        using var response = await client.PostAsync(config.Text("domainUrl") + "oauth/token", content, Cancelled);
        var token = (await CliResponse.ReadAsync("POST oauth/token", response)).Body;
        Assert.False(token.Has("error"));
        Assert.True(token.Number("expires_in") > 300, "The CLI would refresh the token at once.");
        token.Text("refresh_token");
        return token;
    }

    /// <summary>Requests userinfo, self, Organization and Workspaces, and reads the fields that the CLI reads.</summary>
    private async Task<(int Requests, string Email)> BeginSessionAsync(CliObject config, string token)
    {
        using var client = new HttpClient();
        using var request = new HttpRequestMessage(HttpMethod.Get, config.Text("domainUrl") + "userinfo");
        request.Headers.TryAddWithoutValidation("Authorization", "Bearer " + token);
        using var response = await client.SendAsync(request, Cancelled);
        var person = (await CliResponse.ReadAsync("GET userinfo", response)).Body;
        Assert.NotEmpty(person.Text("email"));

        using var cli = new CliReplay(Server, token);
        var self = (await cli.GetAsync("/v1/users/self", ("createIfNotExist", "true"))).Body;
        foreach (var field in (string[])["avatarUrl", "createdAt", "fullName", "id", "status", "updatedAt", "username"])
            self.Text(field);
        var organization = (await cli.GetAsync("/v1/organizations", ("limit", "100"))).Body.Objects("organizations")[0];
        Assert.Equal((Server.OrganizationId, "HOSTED"), (organization.Text("id"), organization.Text("product")));
        Assert.Equal(Server.OrganizationId, (await cli.GetAsync($"/v1/organizations/{organization.Text("id")}")).Body.Text("id"));
        Assert.Contains(Server.WorkspaceId, (await cli.ListWorkspacesAsync()).Select(workspace => workspace.Text("id")));
        return (cli.Sent.Count + 2, person.Text("email"));
    }
}
