using System.Net;
using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Time.Testing;

namespace Updraft.Server.Tests.Tokens;

public sealed class TokenAuthenticationTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("bearer {t}")]
    [InlineData("BEARER {t}")]
    public async Task Authorization_scheme_ignores_case(string header)
    {
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/v1/organizations", [("Authorization", header)]));
    }

    public static TheoryData<string, string[]> Misplaced => new()
    {
        { "/v1/organizations?token={t}&access_token={t}&authorization=Bearer%20{t}", [] },
        { "/v1/organizations", ["X-Authorization", "Bearer {t}"] },
        { "/v1/organizations", ["X-Api-Key", "{t}"] },
        { "/v1/organizations", ["Cookie", "token={t}; Authorization=Bearer {t}"] },
        { "/v1/organizations", ["Proxy-Authorization", "Bearer {t}"] },
        { "/v1/organizations", ["Authorization", "{t}"] },
        { "/v1/organizations", ["Authorization", "Basic {t}"] },
        { "/v1/organizations", ["Authorization", "Bearer Bearer {t}"] },
        { "/v1/organizations", ["Authorization", "Bearer {t}, Bearer {t}"] },
        { "/v1/organizations", ["Authorization", "Bearer {t} {t}"] },
        { "/v1/organizations", ["Authorization", "Bearer {t}x"] },
        { "/v1/organizations", ["Authorization", "Bearer"] },
        { "/v1/organizations", ["Authorization", "Bearer \"{t}\""] },
    };

    [Theory]
    [MemberData(nameof(Misplaced))]
    public async Task Token_outside_of_one_bearer_header_is_rejected(string path, string[] header)
    {
        (string, string)[] headers = header is [var name, var value] ? [(name, value)] : [];
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync(path, headers));
    }

    [Fact]
    public async Task Two_authorization_headers_are_rejected()
    {
        Assert.Equal(HttpStatusCode.Unauthorized,
            await StatusAsync("/v1/organizations", [("Authorization", "Bearer {t}"), ("Authorization", "Bearer {t}")]));
    }

    [Fact]
    public async Task Token_of_ten_kilobytes_is_rejected()
    {
        Assert.Equal(HttpStatusCode.Unauthorized,
            await StatusAsync("/v1/organizations", [("Authorization", "Bearer " + new string('a', 10_240))]));
    }

    [Fact]
    public async Task Token_signed_by_another_key_is_rejected()
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var parts = Server.OwnerToken.Split('.');
        var signature = key.SignData(Encoding.ASCII.GetBytes($"{parts[0]}.{parts[1]}"), HashAlgorithmName.SHA256);
        var forged = $"{parts[0]}.{parts[1]}.{System.Buffers.Text.Base64Url.EncodeToString(signature)}";
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("/v1/organizations", [("Authorization", $"Bearer {forged}")]));
    }

    [Fact]
    public async Task Token_without_a_signature_is_rejected()
    {
        var header = System.Buffers.Text.Base64Url.EncodeToString("{\"alg\":\"none\",\"typ\":\"JWT\"}"u8);
        var forged = $"{header}.{Server.OwnerToken.Split('.')[1]}.";
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("/v1/organizations", [("Authorization", $"Bearer {forged}")]));
    }

    [Fact]
    public async Task Deleted_token_is_rejected_immediately_after_a_use()
    {
        var token = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId);
        var client = Server.ClientWith(token);
        await client.GetOkAsync("/v1/organizations");
        using var deletion = await Server.Client.DeleteAsync(
            $"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("sub")}", Cancelled);
        using var after = await client.GetAsync("/v1/organizations", Cancelled);
        Assert.Equal((HttpStatusCode.NoContent, HttpStatusCode.Unauthorized), (deletion.StatusCode, after.StatusCode));
    }

    [Fact]
    public async Task Token_is_rejected_after_its_expiry()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock);
        var client = server.ClientWith(await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId, days: 2));
        clock.Advance(TimeSpan.FromDays(2) - TimeSpan.FromSeconds(1));
        using var before = await client.GetAsync("/v1/organizations", Cancelled);
        clock.Advance(TimeSpan.FromSeconds(1));
        using var after = await client.GetAsync("/v1/organizations", Cancelled);
        Assert.Equal((HttpStatusCode.OK, HttpStatusCode.Unauthorized), (before.StatusCode, after.StatusCode));
    }

    [Fact]
    public async Task Tokens_survive_a_restart()
    {
        await using var server = await UpdraftServer.StartAsync();
        await server.RestartAsync();
        await server.Client.GetOkAsync("/v1/organizations");
    }

    [Fact]
    public async Task Last_used_time_of_a_token_appears_within_a_minute()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock);
        var path = $"{server.OrganizationPath}/tokens/{Jwt.Claims(server.OwnerToken).Text("sub")}";
        Assert.Null((await server.Client.GetOkAsync(path))["lastUsedAt"]);
        clock.Advance(TimeSpan.FromMinutes(1));
        await Poll.UntilAsync(async () => (await server.Client.GetOkAsync(path))["lastUsedAt"] is not null);
    }

    [Trait("Database", "SQLite")]
    [Fact]
    public async Task Data_directory_and_log_contain_no_token()
    {
        await using var server = await UpdraftServer.StartAsync();
        var deployment = await server.CreateDeploymentAsync();
        string[] tokens =
        [
            server.OwnerToken, await server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deployment),
            await server.CreateAgentTokenAsync(deployment),
        ];
        foreach (var token in tokens)
            await server.ClientWith(token).GetAsync($"/v1/organizations?limit=x&token={token}", Cancelled);
        await server.StopAsync();
        var kept = server.LogText + string.Concat(Directory.EnumerateFiles(server.DataDirectory, "*", SearchOption.AllDirectories)
            .Select(path => Encoding.Latin1.GetString(File.ReadAllBytes(path))));
        Assert.Contains(Convert.ToHexString(SHA256.HashData(Encoding.ASCII.GetBytes(tokens[0]))),
            Convert.ToHexString(Encoding.Latin1.GetBytes(kept)), StringComparison.Ordinal);
        foreach (var token in tokens)
            Assert.DoesNotContain(token.Split('.')[2], kept, StringComparison.Ordinal);
    }

    private async Task<HttpStatusCode> StatusAsync(string path, IEnumerable<(string Name, string Value)> headers)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path.Replace("{t}", Server.OwnerToken, StringComparison.Ordinal));
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value.Replace("{t}", Server.OwnerToken, StringComparison.Ordinal));
        using var response = await Server.Anonymous.SendAsync(request, Cancelled);
        return response.StatusCode;
    }
}
