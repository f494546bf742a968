using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Clients;

/// <summary>What the CLI does with <c>ASTRO_API_TOKEN</c> before almost every command.</summary>
public sealed class CliSetUpReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData("ORGANIZATION", "ORGANIZATION_OWNER")]
    [InlineData("ORGANIZATION", "ORGANIZATION_MEMBER")]
    [InlineData("WORKSPACE", "WORKSPACE_MEMBER")]
    [InlineData("WORKSPACE", "WORKSPACE_OWNER")]
    [InlineData("DEPLOYMENT", "DEPLOYMENT_ADMIN")]
    public async Task Set_up_takes_the_context_from_the_token(string scope, string role)
    {
        var workspace = await Server.CreateWorkspaceAsync(Unique());
        var deployment = await Server.CreateDeploymentAsync(Unique(), workspace);
        var token = await Server.CreateTokenAsync(scope, role, scope switch { "WORKSPACE" => workspace, "DEPLOYMENT" => deployment, _ => null }, days: 30);
        using var cli = new CliReplay(Server, token, "github-action");

        await cli.SetUpAsync();

        Assert.Equal(["GET /v1/organizations?limit=100&offset=0"], cli.Sent);
        Assert.Equal((Server.OrganizationId, scope == "ORGANIZATION" ? Server.WorkspaceId : workspace), (cli.Organization, cli.Workspace));
        CheckClaims(token, hasWorkspace: scope != "ORGANIZATION");
        ReplayTable.Show($"ASTRO_API_TOKEN ({scope})", cli, $"{role}: Organization {cli.Organization}, Workspace {cli.Workspace}");
    }

    /// <summary>The claims as the CLI types them; a wrong type makes the token malformed.</summary>
    private static void CheckClaims(string token, bool hasWorkspace)
    {
        var claims = Jwt.Claims(token);
        foreach (var (names, kinds) in new (string[] Names, JsonValueKind[] Kinds)[]
        {
            (["iss", "sub", "jti", "org_id", "scope", "version", "kid", "apiTokenId"], [JsonValueKind.String]),
            (["exp", "nbf", "iat"], [JsonValueKind.Number]),
            (["aud"], [JsonValueKind.String, JsonValueKind.Array]),
            (["isAstronomerGenerated"], [JsonValueKind.True, JsonValueKind.False]),
        })
            Assert.All(names, name => Assert.True(claims[name] is null || kinds.Contains(claims[name]!.GetValueKind()), $"{name} is {claims[name]}"));
        Assert.NotNull(claims["exp"]);
        var permissions = claims["permissions"]!.AsArray().Select(entry => entry!.GetValue<string>()).ToList();
        Assert.All(permissions, entry => Assert.Matches("^[A-Za-z]+:[^:]+$", entry));
        Assert.Equal(hasWorkspace, permissions.Exists(entry => entry.StartsWith("workspaceId:", StringComparison.Ordinal)));
        Assert.Contains(permissions, entry => entry.StartsWith("organizationId:", StringComparison.Ordinal));
        Assert.Contains(permissions, entry => entry.StartsWith("apiTokenId:", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("WORKSPACE", "WORKSPACE_AUTHOR")]
    [InlineData("DEPLOYMENT", "DEPLOYMENT_ADMIN")]
    public async Task Trap_08_a_token_carries_the_Workspace_of_everything_that_it_can_deploy_to(string scope, string role)
    {
        var workspace = await Server.CreateWorkspaceAsync(Unique());
        var own = await Server.CreateDeploymentAsync(Unique(), workspace);
        await Server.CreateDeploymentAsync(Unique());
        var created = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/tokens", new JsonObject
        {
            ["name"] = "trap 8",
            ["scope"] = scope,
            ["role"] = role,
            ["entityId"] = scope == "WORKSPACE" ? workspace : own,
        });
        var rotated = await Server.Client.PostOkAsync($"{Server.OrganizationPath}/tokens/{created.Text("id")}/rotate", new JsonObject());

        // With another Workspace in the context than that of the Deployment, the CLI deploys nothing and exits with 0.
        using var cli = new CliReplay(Server, rotated.Text("token"));
        await cli.SetUpAsync();
        Assert.Equal(workspace, cli.Workspace);
        Assert.All(await cli.ListDeploymentsAsync(all: true), deployment => Assert.Equal(cli.Workspace, deployment.Text("workspaceId")));
        await cli.GetDeploymentAsync(own);
    }

    [Fact]
    public async Task Trap_08_a_token_without_a_Workspace_can_switch_to_every_one_and_a_token_of_one_reaches_no_other()
    {
        var (first, second) = (await Server.CreateWorkspaceAsync(Unique()), await Server.CreateWorkspaceAsync(Unique()));
        var (here, there) = (await Server.CreateDeploymentAsync(Unique(), first), await Server.CreateDeploymentAsync(Unique(), second));
        using var organization = new CliReplay(Server);
        await organization.SetUpAsync();
        foreach (var (workspace, deployment) in ((string, string)[])[(first, here), (second, there)])
        {
            await organization.SwitchWorkspaceAsync(workspace);
            await organization.GetDeploymentAsync(deployment);
        }
        using var one = new CliReplay(Server, await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", first));
        await one.SetUpAsync();
        Assert.Equal(HttpStatusCode.NotFound, (await one.GetAsync(one.DeploymentPath(there))).Status);
        Assert.Equal([first], (await one.ListWorkspacesAsync()).Select(workspace => workspace.Text("id")));
    }

    [Fact]
    public async Task Runner_up_answers_come_at_once_so_that_nobody_waits_who_has_no_limit_of_its_own()
    {
        // The CLI sets no limit and does not try again: an error must be an answer.
        using var cli = new CliReplay(Server, "eyJhbGciOiJub25lIn0.eyJwZXJtaXNzaW9ucyI6WyJhOmIiXX0.x");
        Assert.NotEmpty((await cli.GetAsync("/v1/organizations", ("limit", "100"), ("offset", "0"))).Error);
        Assert.NotEmpty((await cli.GetAsync("/v1/organizations//deployments")).Error);
        Assert.NotEmpty((await cli.PostAsync("/v1/organizations//deployments", [])).Error);
    }

    private static string Unique() => EntityId.New(TimeProvider.System);
}
