using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Images;

/// <summary>Tokens for the image registry: the callers that get one, its scopes, and its claims.</summary>
public sealed class RegistryTokenTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Service = "updraft-registry";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("repository:ORG/OWN:pull,push", "OWN:pull,push")]
    [InlineData("repository:ORG/OWN:push,pull", "OWN:pull,push")]
    [InlineData("repository:ORG/OWN:pull", "OWN:pull")]
    [InlineData("repository:ORG/OWN:push", "OWN:push")]
    [InlineData("repository:ORG/OWN:pull repository:ORG/OWN:push", "OWN:pull,push")]
    [InlineData("repository:ORG/OWN:pull  repository:ORG/SIBLING:pull,push", "OWN:pull")]
    [InlineData("repository:ORG/SIBLING:pull,push", "")]
    [InlineData("repository:ORG/OWN:*", "")]
    [InlineData("repository:ORG/OWN:delete,pull", "OWN:pull")]
    [InlineData("repository:ORG/OWN:PULL", "")]
    [InlineData("repository:ORG/OWN:", "")]
    [InlineData("repository(plugin):ORG/OWN:pull", "")]
    [InlineData("registry:catalog:*", "")]
    [InlineData("repository:ORG/cnone00000000000000000000:pull,push", "")]
    [InlineData("repository:corg0000000000000000other/OWN:pull", "")]
    [InlineData("repository:ORG/OWN/more:pull", "")]
    [InlineData("repository:OWN:pull", "")]
    [InlineData("repository:/OWN:pull", "")]
    [InlineData("repository:localhost:5555/ORG/OWN:pull", "")]
    [InlineData("repository:ORG/OWN", "")]
    [InlineData("pull", "")]
    [InlineData("", "")]
    public async Task Registry_token_has_the_requested_and_permitted_scopes(string scope, string expected)
    {
        var (own, sibling) = (await DeploymentAsync(), await DeploymentAsync());
        var token = await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", own);
        string Fill(string text) => text.Replace("ORG", Server.OrganizationId, StringComparison.Ordinal)
            .Replace("OWN", own, StringComparison.Ordinal).Replace("SIBLING", sibling, StringComparison.Ordinal);

        var access = await AccessAsync(Server, token, Fill(scope));

        Assert.Equal(expected.Length == 0 ? "" : $"{Server.OrganizationId}/{Fill(expected)}", access);
    }

    [Theory]
    [InlineData("ORGANIZATION", "ORGANIZATION_OWNER", "pull,push")]
    [InlineData("ORGANIZATION", "ORGANIZATION_MEMBER", "")]
    [InlineData("ORGANIZATION", "ORGANIZATION_BILLING_ADMIN", "")]
    [InlineData("WORKSPACE", "WORKSPACE_OWNER", "pull,push")]
    [InlineData("WORKSPACE", "WORKSPACE_AUTHOR", "pull,push")]
    [InlineData("WORKSPACE", "WORKSPACE_MEMBER", "pull")]
    [InlineData("DEPLOYMENT", "DEPLOYMENT_ADMIN", "pull,push")]
    public async Task Roles_that_deploy_can_push_and_roles_that_read_can_pull(string scope, string role, string expected)
    {
        var deployment = await DeploymentAsync();
        var token = await Server.CreateTokenAsync(scope, role,
            scope switch { "WORKSPACE" => Server.WorkspaceId, "DEPLOYMENT" => deployment, _ => null });

        Assert.Equal(Entry(deployment, expected), await AccessAsync(Server, token, Both(deployment)));
    }

    [Fact]
    public async Task Several_scope_parameters_are_combined()
    {
        var (first, second) = (await DeploymentAsync(), await DeploymentAsync());

        var access = await AccessAsync(Server, Server.OwnerToken, Both(first), Both(second)
            + $" repository:{Server.OrganizationId}/{first}:pull");

        Assert.Equal(new[] { Entry(first, "pull,push"), Entry(second, "pull,push") }.Order(StringComparer.Ordinal),
            access.Split(' ').Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Agent_token_pulls_only_for_its_own_Deployment()
    {
        var (own, sibling) = (await DeploymentAsync(), await DeploymentAsync());
        var token = await Server.CreateAgentTokenAsync(own);

        Assert.Equal(Entry(own, "pull"), await AccessAsync(Server, token, Both(own), Both(sibling)));
    }

    [Fact]
    public async Task Images_of_another_Organization_are_not_granted()
    {
        var deployment = await DeploymentAsync();
        var (_, _, outsider) = await Server.AddOrganizationAsync("registry outsider");

        Assert.Equal("", await AccessAsync(Server, outsider, Both(deployment)));
    }

    [Fact]
    public async Task Deleted_Deployment_has_no_repository()
    {
        var deployment = await DeploymentAsync();
        using (await Server.Client.DeleteAsync($"{Server.OrganizationPath}/deployments/{deployment}", Cancelled))
        {
        }

        Assert.Equal("", await AccessAsync(Server, Server.OwnerToken, Both(deployment)));
    }

    [Fact]
    public async Task User_cannot_push_if_CICD_is_enforced()
    {
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string> { ["SignIn:FirstOwner"] =
            "owner@example.org" });
        var (_, userClient, _) = await server.AddUserAsync("owner@example.org", ("email_verified", "true"));
        var (free, enforced) = (await server.CreateDeploymentAsync("free"),
            await server.CreateDeploymentAsync("enforced", isCicdEnforced: true));
        string Scope(string deployment) => $"repository:{server.OrganizationId}/{deployment}:pull,push";

        Assert.Equal($"{server.OrganizationId}/{free}:pull,push", await AccessAsync(server, userClient, Scope(free)));
        Assert.Equal($"{server.OrganizationId}/{enforced}:pull", await AccessAsync(server, userClient, Scope(enforced)));
        Assert.Equal($"{server.OrganizationId}/{enforced}:pull,push", await AccessAsync(server, server.OwnerToken, Scope(enforced)));
    }

    [Fact]
    [Trait("catalog", "Trap 24")]
    public async Task Registry_password_is_a_token_with_or_without_its_scheme()
    {
        var deployment = await DeploymentAsync();

        Assert.Equal(Entry(deployment, "pull,push"), await AccessAsync(Server, "Bearer " + Server.OwnerToken, Both(deployment)));
        Assert.Equal(Entry(deployment, "pull,push"), await AccessAsync(Server, Server.OwnerToken, Both(deployment)));
    }

    [Fact]
    public async Task Revoked_token_gets_no_registry_token()
    {
        var token = await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        Assert.Equal("", await AccessAsync(Server, token, ""));
        using (var deleted = await Server.Client.DeleteAsync($"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("apiTokenId")}",
            Cancelled))
            Assert.True(deleted.IsSuccessStatusCode);

        await AssertRefusedAsync(HttpStatusCode.Unauthorized, Basic("cli", token));
    }

    [Fact]
    public async Task Invalid_registry_password_is_401_with_a_challenge()
    {
        AuthenticationHeaderValue?[] credentials =
        [
            null, Basic("cli", "wrong"), Basic("cli", ""), Basic("cli", "Bearer "), Basic("somebody", Server.OwnerToken),
                Basic("cli", new string('x', 5000)),
            new("Basic", "%%%"), new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes("cli"))), new("Bearer", Server.OwnerToken),
        ];
        foreach (var credential in credentials)
        {
            var challenge = await AssertRefusedAsync(HttpStatusCode.Unauthorized, credential);
            Assert.Equal("Basic realm=\"updraft\"", challenge);
        }
    }

    [Theory]
    [InlineData("service=other")]
    [InlineData("service=")]
    [InlineData("account=cli")]
    [InlineData("service=updraft-registry&service=other")]
    public async Task Token_for_another_service_is_rejected_with_400(string query) =>
        await AssertRefusedAsync(HttpStatusCode.BadRequest, Basic("cli", Server.OwnerToken), query);

    [Fact]
    public async Task Request_may_have_32_scopes_but_not_33()
    {
        var scope = Both(await DeploymentAsync());
        string Query(int count) => $"service={Service}&scope={Uri.EscapeDataString(string.Join(' ', Enumerable.Repeat(scope, count)))}";

        using (var most = await AskAsync(Server, Basic("cli", Server.OwnerToken), Query(32)))
            Assert.Equal(HttpStatusCode.OK, most.StatusCode);
        await AssertRefusedAsync(HttpStatusCode.BadRequest, Basic("cli", Server.OwnerToken), Query(33));
    }

    [Fact]
    public async Task Published_certificate_verifies_the_registry_token()
    {
        var deployment = await DeploymentAsync();
        using var response = await AskAsync(Server, Basic("cli", Server.OwnerToken), Query(Both(deployment)) + "&account=cli");
        var reply = await response.ReadAsync(HttpStatusCode.OK);
        var token = reply.Text("token");
        Assert.Equal(["access_token", "expires_in", "issued_at", "token"], reply.Select(field => field.Key).Order(StringComparer.Ordinal));
        Assert.Equal((token, 300), (reply.Text("access_token"), reply["expires_in"]!.GetValue<int>()));
        Assert.EndsWith("Z", reply.Text("issued_at"), StringComparison.Ordinal);
        Assert.Equal("no-store", response.Headers.CacheControl?.ToString());

        using var certificate = X509CertificateLoader.LoadCertificateFromFile(Path.Join(Server.DataDirectory, "registry",
            "token-certificate.pem"));
        Assert.Equal(Convert.ToBase64String(certificate.RawData), Assert.Single(Jwt.Header(token)["x5c"]!.AsArray())!.GetValue<string>());
        Assert.Equal("ES256", Jwt.Header(token).Text("alg"));
        using var key = certificate.GetECDsaPublicKey()!;
        var result = await new JsonWebTokenHandler().ValidateTokenAsync(token, new TokenValidationParameters
        {
            IssuerSigningKey = new ECDsaSecurityKey(key) { CryptoProviderFactory =
                new CryptoProviderFactory { CacheSignatureProviders = false } },
            ValidIssuer = "updraft",
            ValidAudience = Service,
        });
        Assert.True(result.IsValid, result.Exception?.Message);
        var claims = Jwt.Claims(token);
        Assert.Equal(["access", "aud", "exp", "iat", "iss", "jti", "nbf", "sub"], claims.Select(claim => claim.Key)
            .Order(StringComparer.Ordinal));
        Assert.Equal(Jwt.Claims(Server.OwnerToken).Text("apiTokenId"), claims.Text("sub"));
        Assert.Equal(300, claims["exp"]!.GetValue<long>() - claims["nbf"]!.GetValue<long>());
        Assert.Equal(["actions", "name", "type"], claims["access"]![0]!.AsObject().Select(field => field.Key)
            .Order(StringComparer.Ordinal));
        Assert.Equal("repository", claims["access"]![0]!.AsObject().Text("type"));
    }

    [Fact]
    public async Task Registry_token_is_rejected_by_the_API()
    {
        using var response = await AskAsync(Server, Basic("cli", Server.OwnerToken), Query(""));
        var token = (await response.ReadAsync(HttpStatusCode.OK)).Text("token");

        using var queried = await Server.ClientWith(token).GetAsync("/v1/organizations", Cancelled);

        Assert.Equal(HttpStatusCode.Unauthorized, queried.StatusCode);
        await AssertRefusedAsync(HttpStatusCode.Unauthorized, Basic("cli", token));
    }

    [Fact]
    public async Task Registry_key_is_separate_persistent_and_private()
    {
        await using var server = await UpdraftServer.StartAsync();
        var (keyFile, certificateFile) =
            (Path.Join(server.DataDirectory, "keys", "registry.pem"), Path.Join(server.DataDirectory, "registry", "token-certificate.pem"));
        var (key, certificate) = (await File.ReadAllTextAsync(keyFile, Cancelled), await File.ReadAllTextAsync(certificateFile, Cancelled));
        Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(keyFile));
        Assert.DoesNotContain("PRIVATE", certificate, StringComparison.Ordinal);
        using var own = ECDsa.Create();
        own.ImportFromPem(key);
        using var signing = ECDsa.Create();
        signing.ImportFromPem(await File.ReadAllTextAsync(Path.Join(server.DataDirectory, "keys", "signing.pem"), Cancelled));
        Assert.NotEqual(signing.ExportSubjectPublicKeyInfoPem(), own.ExportSubjectPublicKeyInfoPem());

        File.Delete(certificateFile);
        await server.RestartAsync();

        Assert.Equal((key, certificate),
            (await File.ReadAllTextAsync(keyFile, Cancelled), await File.ReadAllTextAsync(certificateFile, Cancelled)));
    }

    /// <summary>Another Deployment in the shared server, with a unique name.</summary>
    private Task<string> DeploymentAsync() => Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));

    private string Both(string deployment) => $"repository:{Server.OrganizationId}/{deployment}:pull,push";

    private string Entry(string deployment, string actions) => actions.Length == 0 ? "" : $"{Server.OrganizationId}/{deployment}:{actions}";

    private static string Query(params string[] scopes) =>
        $"service={Service}" + string.Concat(scopes.Select(scope => $"&scope={Uri.EscapeDataString(scope)}"));

    private static AuthenticationHeaderValue Basic(string user, string password) =>
        new("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password}")));

    private static async Task<HttpResponseMessage> AskAsync(UpdraftServer server, AuthenticationHeaderValue? credential, string query)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/registry/token?" + query);
        request.Headers.Authorization = credential;
        return await server.Anonymous.SendAsync(request, Cancelled);
    }

    /// <summary>The claim <c>access</c> as <c>NAME:ACTION,ACTION NAME:…</c>.</summary>
    private static async Task<string> AccessAsync(UpdraftServer server, string password, params string[] scopes)
    {
        using var response = await AskAsync(server, Basic("cli", password), Query(scopes));
        var access = Jwt.Claims((await response.ReadAsync(HttpStatusCode.OK)).Text("token"))["access"]!.AsArray();
        return string.Join(' ', access.Select(entry =>
            $"{entry!["name"]}:{string.Join(',', entry["actions"]!.AsArray().Select(action => action!.GetValue<string>()))}"));
    }

    /// <summary>Expects an error in the shape of the registry, and returns the challenge.</summary>
    private async Task<string> AssertRefusedAsync(HttpStatusCode status, AuthenticationHeaderValue? credential,
        string query = $"service={Service}")
    {
        using var response = await AskAsync(Server, credential, query);
        var reply = await response.ReadAsync(status);
        Assert.Equal("errors", Assert.Single(reply).Key);
        var error = Assert.IsType<JsonObject>(Assert.Single(reply["errors"]!.AsArray()));
        Assert.Equal(["code", "message"], error.Select(field => field.Key));
        Assert.NotEqual("", error.Text("message"));
        return response.Headers.WwwAuthenticate.ToString();
    }
}
