using System.Net;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Tokens;

/// <summary>The parts of a token that clients read without a check, and fail on.</summary>
public sealed class TokenTrapTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData("ORGANIZATION", "ORGANIZATION_MEMBER")]
    [InlineData("WORKSPACE", "WORKSPACE_AUTHOR")]
    [InlineData("DEPLOYMENT", "DEPLOYMENT_ADMIN")]
    [Trait("catalog", "Trap 02")]
    public async Task Permissions_claim_names_the_scope_with_colons_even_after_a_rotation(string scope, string role)
    {
        var deployment = await Server.CreateDeploymentAsync($"trap-2 {scope}");
        var entity = scope switch { "WORKSPACE" => Server.WorkspaceId, "DEPLOYMENT" => deployment, _ => null };
        var token = await Server.CreateTokenAsync(scope, role, entity);
        var rotated = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("sub")}/rotate",
            new JsonObject());
        foreach (var secret in (string[])[token, rotated.Text("token")])
        {
            var claims = Jwt.Claims(secret);
            var expected = new List<string> { $"apiTokenId:{claims.Text("apiTokenId")}" };
            if (scope != "ORGANIZATION")
                expected.Add($"workspaceId:{Server.WorkspaceId}");
            expected.Add($"organizationId:{Server.OrganizationId}");
            if (scope == "DEPLOYMENT")
                expected.Add($"deploymentId:{deployment}");
            Assert.Equal(expected, claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>()));
            Assert.Equal(scope, claims.Text("scope"));
        }
    }

    [Theory]
    [InlineData("ORGANIZATION", "ORGANIZATION_BILLING_ADMIN")]
    [InlineData("WORKSPACE", "WORKSPACE_MEMBER")]
    [InlineData("DEPLOYMENT", "DEPLOYMENT_ADMIN")]
    [Trait("catalog", "Trap 03")]
    public async Task Every_token_lists_its_own_Organization_with_a_product(string scope, string role)
    {
        var deployment = await Server.CreateDeploymentAsync($"trap-3 {scope}");
        var entity = scope switch { "WORKSPACE" => Server.WorkspaceId, "DEPLOYMENT" => deployment, _ => null };
        var client = Server.ClientWith(await Server.CreateTokenAsync(scope, role, entity));
        var list = await client.GetOkAsync("/v1/organizations?limit=100&offset=0");
        Assert.Equal((Server.OrganizationId, "HOSTED"),
            (list["organizations"]![0]!["id"]!.GetValue<string>(), list["organizations"]![0]!["product"]!.GetValue<string>()));
    }

    [Theory]
    [InlineData("/v1/organizations//deployments")]
    [InlineData("/v1/organizations//tokens")]
    [InlineData("/v1/organizations//users")]
    [InlineData("/iam/v1beta1/organizations//tokens")]
    [Trait("catalog", "Trap 09")]
    public async Task Empty_ID_in_the_URL_is_rejected_with_404_and_the_cause(string path)
    {
        using var response = await Server.Client.GetAsync(path, TestContext.Current.CancellationToken);
        Assert.Contains("contains an empty ID", (await response.ReadAsync(HttpStatusCode.NotFound)).Text("message"), StringComparison.Ordinal);
    }

    [Fact]
    [Trait("catalog", "Trap 16")]
    public async Task Times_of_tokens_and_users_are_in_UTC()
    {
        var token = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", Server.WorkspaceId, days: 3);
        var path = $"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("sub")}";
        var rotated = await Server.Client.PostOkAsync($"{path}/rotate", new JsonObject());
        var self = await Server.Client.GetOkAsync("/v1/users/self");
        string[] times =
        [
            .. ((string[])["createdAt", "updatedAt", "startAt", "endAt", "lastRotatedAt"]).Select(rotated.Text),
            .. ((string[])["createdAt", "updatedAt"]).Select(self.Text),
        ];
        Assert.All(times, time => Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", time));
    }
}
