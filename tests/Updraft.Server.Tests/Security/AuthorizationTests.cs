using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Security;

/// <summary>Tests every route with every kind of caller. The test finds new routes by the permission that they require.</summary>
[Trait("Database", "any")]
public sealed class AuthorizationTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string UnknownId = "c00000000000000000unknown";

    // Anonymous routes: health checks, uploads, whose signed URL is the credential, the public API description, and the start of a login.
    // Also the registry and its token service, which verify their own credentials, and redirects and assets of the web UI. This list should
    // only shrink.
    private static readonly string[] OpenRoutes = ["/healthz/live", "/healthz/ready", "/uploads/", "/openapi/", "/spec/v1", "/docs/",
        "/private/v1alpha1/cli/auth-config", "/authorize", "/oauth/", "/signin", "/signout", "/registry/token", "/v2/",
        "/assets/", "/{workspaceId:length(25)}/deployments/"];

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_route_requires_a_permission_or_is_on_the_anonymous_list()
    {
        var wrong = Routes(Server).Where(route => route.Metadata.GetMetadata<RequiredPermission>() is null
            && !(route.Metadata.GetMetadata<IAllowAnonymous>() is not null
                && (Pattern(route) == "/" || OpenRoutes.Any(open => Pattern(route).StartsWith(open, StringComparison.Ordinal)))));
        Assert.Empty(wrong.Select(Pattern));
    }

    [Fact]
    public void Table_has_every_permission_and_every_role()
    {
        Assert.Equal(Enum.GetValues<Permission>().Order(), AuthorizationTable.Permissions.Order());
        Assert.Equal(Enum.GetValues<Role>().Order(), AuthorizationTable.Callers.Order());
    }

    [Fact]
    public async Task Route_without_a_declared_permission_rejects_all_callers()
    {
        await using var server = await UpdraftServer.StartAsync(addRoutes: app => app.MapGet("/forgotten", () => "secret"));
        using var owner = await server.Client.GetAsync("/forgotten", Cancelled);
        using var anonymous = await server.Anonymous.GetAsync("/forgotten", Cancelled);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Forbidden), (owner.StatusCode, anonymous.StatusCode));
    }

    [Fact]
    public async Task Agent_route_accepts_only_agent_tokens()
    {
        await using var server = await UpdraftServer.StartAsync(addRoutes: app =>
            app.MapGet("/for-agents", (Subject subject) => subject.Deployment!.Value.Value).Requires(Permission.ActAsAgent));
        var deployment = await server.CreateDeploymentAsync();
        var agent = server.ClientWith(await server.CreateAgentTokenAsync(deployment));
        Assert.Equal(deployment, await agent.GetStringAsync("/for-agents", Cancelled));
        using var owner = await server.Client.GetAsync("/for-agents", Cancelled);
        using var anonymous = await server.Anonymous.GetAsync("/for-agents", Cancelled);
        Assert.Equal((HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized), (owner.StatusCode, anonymous.StatusCode));
    }

    [Fact]
    public async Task Agent_token_at_the_API_gets_the_reason()
    {
        var deployment = await Server.CreateDeploymentAsync("agent at the API");
        var agent = Server.ClientWith(await Server.CreateAgentTokenAsync(deployment));
        string[] paths = ["/v1/users/self", "/v1/organizations", "/v1/authorization/permission-groups",
            $"{Server.OrganizationPath}/deployments", $"{Server.OrganizationPath}/deployments/{deployment}"];
        foreach (var path in paths)
        {
            using var response = await agent.GetAsync(path, Cancelled);
            Assert.Equal("agent_token_not_for_api", Assert.Single(response.Headers.GetValues("x-error-code")));
            Assert.Contains("agent token", (await response.ReadAsync(HttpStatusCode.Forbidden)).Text("message"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Every_guarded_route_rejects_invalid_tokens_with_401()
    {
        var deployment = await Server.CreateDeploymentAsync("no-token");
        var revoked = await Server.CreateTokenAsync("ORGANIZATION", "ORGANIZATION_OWNER");
        await DeleteAsync(revoked);
        var deleted = await Server.CreateDeploymentAsync("to-be-deleted");
        var orphan = await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", deleted);
        using (await Server.Client.DeleteAsync($"{Server.OrganizationPath}/deployments/{deleted}", Cancelled))
        {
        }
        HttpClient[] callers =
        [
            Server.Anonymous, Server.ClientWith("garbage"), Server.ClientWith(Server.OwnerToken[..^4] + "AAAA"), Server.ClientWith(revoked),
            Server.ClientWith(orphan),
        ];
        foreach (var route in Guarded(Server))
        {
            foreach (var caller in callers)
                Assert.Equal($"{Method(route)} {Pattern(route)}: 401", await StatusAsync(caller, route, deployment));
        }
    }

    public static TheoryData<string> CallerNames => [.. AuthorizationTable.Callers.Select(caller => caller.ToString())];

    [Theory]
    [MemberData(nameof(CallerNames))]
    public async Task Roles_reach_exactly_the_operations_of_the_table(string callerName)
    {
        var caller = Enum.Parse<Role>(callerName);
        foreach (var route in Guarded(Server))
        {
            // A new Deployment for each route, because a route that is reached may change or delete it.
            var deployment = await Server.CreateDeploymentAsync($"{callerName} {Method(route)} {Pattern(route)}");
            using var response = await SendAsync(Server.ClientWith(await TokenAsync(caller, deployment)), route, deployment);
            var expected = AuthorizationTable.Expected(route.Metadata.GetMetadata<RequiredPermission>()!.Permission, caller);
            var text = await response.Content.ReadAsStringAsync(Cancelled);
            var where = $"{callerName} {Method(route)} {Pattern(route)} got {(int)response.StatusCode}: {text}";
            if (expected != 0)
                Assert.True(expected == (int)response.StatusCode, where);
            else
                Assert.True(HasReached(response.StatusCode, text), where);
        }
    }

    [Theory]
    [MemberData(nameof(CallerNames))]
    public async Task Token_cannot_see_scopes_outside_its_own(string callerName)
    {
        var caller = Enum.Parse<Role>(callerName);
        var deployment = await Server.CreateDeploymentAsync($"hidden from {callerName}");
        var (otherId, otherWorkspace, otherOwner) = await Server.AddOrganizationAsync($"other {callerName}");
        var owner = Server.ClientWith(otherOwner);
        var outsider = await OutsiderAsync(owner, otherId, caller, otherWorkspace, null);
        var neighbour = await OutsiderAsync(Server.Client, Server.OrganizationId, caller,
            await Server.CreateWorkspaceAsync($"next to {callerName}"), null);
        var sibling = await OutsiderAsync(Server.Client, Server.OrganizationId, caller, Server.WorkspaceId,
            await Server.CreateDeploymentAsync($"sibling of {callerName}"));
        foreach (var route in Guarded(Server))
        {
            var expected = $"{Method(route)} {Pattern(route)}: 404";
            if (Has(route, "organizationId"))
                Assert.Equal(expected, await StatusAsync(outsider, route, deployment));
            var isBelow = Has(route, "workspaceId") || Has(route, "deploymentId");
            if (isBelow && caller.Scope() != RoleScope.Organization)
                Assert.Equal(expected, await StatusAsync(neighbour, route, deployment));
            if (Has(route, "deploymentId") && caller.Scope() == RoleScope.Deployment)
                Assert.Equal(expected, await StatusAsync(sibling, route, deployment));
        }
    }

    /// <summary>The same role for another scope: a Workspace, or a Deployment in it. Creates a Deployment if none is given.</summary>
    private async Task<HttpClient> OutsiderAsync(HttpClient owner, string organization, Role role, string workspace, string? deployment)
    {
        if (role.Scope() == RoleScope.Deployment)
        {
            deployment ??= (await owner.PostOkAsync($"/v1/organizations/{organization}/deployments",
                new JsonObject { ["name"] = "elsewhere", ["workspaceId"] = workspace })).Text("id");
        }
        var path = role == Role.Agent ? $"deployments/{deployment}/agent-tokens" : "tokens";
        var token = await owner.PostOkAsync($"/v1/organizations/{organization}/{path}", new JsonObject
        {
            ["name"] = "outsider",
            ["scope"] = role.Scope().ToString().ToUpperInvariant(),
            ["role"] = role.Name(),
            ["entityId"] = role.Scope() switch { RoleScope.Deployment => deployment, RoleScope.Workspace => workspace, _ => null },
        });
        return Server.ClientWith(token.Text("token"));
    }

    [Fact]
    public async Task Hidden_resource_looks_like_a_missing_one()
    {
        var hidden = await Server.CreateDeploymentAsync("looks-like-nothing");
        var neighbour = Server.ClientWith(await Server.CreateTokenAsync(
            "WORKSPACE", "WORKSPACE_OWNER", await Server.CreateWorkspaceAsync("looks")));
        var messages = new List<string>();
        foreach (var id in (string[])[hidden, UnknownId])
        {
            using var response = await neighbour.GetAsync($"{Server.OrganizationPath}/deployments/{id}", Cancelled);
            messages.Add((await response.ReadAsync(HttpStatusCode.NotFound)).Text("message").Replace(id, "ID", StringComparison.Ordinal));
        }
        Assert.Equal(messages[0], messages[1]);
    }

    private static IEnumerable<RouteEndpoint> Routes(UpdraftServer server) =>
        server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>();

    private static IEnumerable<RouteEndpoint> Guarded(UpdraftServer server) =>
        Routes(server).Where(route => route.Metadata.GetMetadata<IAllowAnonymous>() is null);

    private static string Pattern(RouteEndpoint route) => "/" + route.RoutePattern.RawText!.TrimStart('/');

    private static string Method(RouteEndpoint route) => route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0];

    private static bool Has(RouteEndpoint route, string parameter) => route.RoutePattern.GetParameter(parameter) is not null;

    // The response of the route itself, even a 404 for a child that does not exist.
    private static bool HasReached(HttpStatusCode status, string text) => status switch
    {
        HttpStatusCode.Unauthorized or HttpStatusCode.Forbidden => false,
        HttpStatusCode.NotFound => !text.Contains("no Organization", StringComparison.Ordinal)
            && !text.Contains("no Workspace", StringComparison.Ordinal) && !text.Contains("no Deployment", StringComparison.Ordinal)
            && !text.Contains("no resource", StringComparison.Ordinal),
        _ => true,
    };

    private async Task<string> StatusAsync(HttpClient caller, RouteEndpoint route, string deployment)
    {
        using var response = await SendAsync(caller, route, deployment);
        return $"{Method(route)} {Pattern(route)}: {(int)response.StatusCode}";
    }

    private async Task<HttpResponseMessage> SendAsync(HttpClient caller, RouteEndpoint route, string deployment)
    {
        var path = string.Join('/', Pattern(route).Split('/').Select(segment => segment switch
        {
            "{organizationId}" => Server.OrganizationId,
            "{workspaceId}" => Server.WorkspaceId,
            "{deploymentId}" => deployment,
            ['{', ..] => UnknownId,
            _ => segment,
        }));
        using var request = new HttpRequestMessage(new HttpMethod(Method(route)), path);
        if (request.Method == HttpMethod.Post)
            request.Content = JsonRequests.Json("{}");
        return await caller.SendAsync(request, Cancelled);
    }

    private Task<string> TokenAsync(Role role, string deployment) => role == Role.Agent
        ? Server.CreateAgentTokenAsync(deployment)
        : role.Scope() switch
        {
            RoleScope.Organization => Server.CreateTokenAsync("ORGANIZATION", role.Name()),
            RoleScope.Workspace => Server.CreateTokenAsync("WORKSPACE", role.Name(), Server.WorkspaceId),
            _ => Server.CreateTokenAsync("DEPLOYMENT", role.Name(), deployment),
        };

    private async Task DeleteAsync(string token)
    {
        using var response = await Server.Client.DeleteAsync(
            $"{Server.OrganizationPath}/tokens/{Jwt.Claims(token).Text("sub")}", Cancelled);
        Assert.Equal(HttpStatusCode.NoContent, response.StatusCode);
    }
}
