using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Tests.Uploads;
using Updraft.Server.Tokens;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Walks every route of the server; a new route is covered by being there.</summary>
public sealed class RouteTests
{
    /// <summary>Routes that ask nobody who he is, and why.</summary>
    private static readonly Dictionary<string, string> Open = new()
    {
        ["/healthz/live"] = "orchestrators probe without a token",
        ["/healthz/ready"] = "orchestrators probe without a token",
        ["/private/v1alpha1/cli/auth-config"] = "the beginning of a login",
        ["/authorize"] = "the beginning of a login",
        ["/authorize/confirm"] = "carries a sealed request, and needs the cookie of the sign-in",
        ["/oauth/token"] = "the code or refresh token is the credential",
        ["/oauth/revoke"] = "the refresh token is the credential",
        ["/registry/token"] = "asks for a token as the password of the registry's clients, which know no other way",
        ["/v2/{**path}"] = "the registry behind it judges the token, and says without one where to get it",
        ["/"] = "leads to the Deployments",
        ["/{workspaceId:length(25)}/deployments/{deploymentId}/{**rest}"] = "leads to the page of a Deployment, which asks who comes",
        ["/assets/{version}/{name}"] = "stylesheet and scripts, the same for everybody",
        ["/signin"] = "the beginning of a login",
        ["/signin/provider"] = "the beginning of a login",
        ["/signout"] = "only forgets",
        ["/openapi/v1.json"] = "the description of the API is the same for everybody, and the astro CLI fetches it without a token",
        ["/openapi/updraft-v1.json"] = "the same for what Updraft has beside",
        ["/spec/v1.0"] = "the same, where the astro CLI looks",
        ["/spec/v1"] = "the same, where other clients look",
        ["/docs/{document?}"] = "the page that shows the description",
        ["/uploads/{deploymentId}/{deployId}/{purpose}"] = "the address carries its own signature, as the clients' blob libraries send no token",
    };

    [Fact]
    public async Task Every_route_demands_a_permission_or_stands_in_the_list_of_open_ones()
    {
        await using var server = await UpdraftServer.StartAsync();
        var undecided = Routes(server).Where(route => route.Metadata.GetMetadata<RequiredPermission>() is null
            && !(route.Metadata.GetMetadata<IAllowAnonymous>() is not null && Open.ContainsKey(Pattern(route)))).Select(Show).ToList();
        Assert.True(undecided.Count == 0, "These routes say no permission, so that nobody or everybody would get in. Add .Requires(Permission.X); "
            + "a route that must be open says .AllowAnonymous() and stands in Open in this file with its reason:\n" + string.Join('\n', undecided));
    }

    [Fact]
    public async Task The_list_of_open_routes_names_only_routes_that_exist()
    {
        await using var server = await UpdraftServer.StartAsync();
        var patterns = Routes(server).Select(Pattern).ToHashSet();
        Assert.Equal([], Open.Keys.Where(pattern => !patterns.Contains(pattern)));
    }

    [Fact]
    public async Task Every_route_that_is_not_open_answers_401_without_a_token()
    {
        await using var server = await UpdraftServer.StartAsync();
        var world = await World.CreateAsync(server);
        var wrong = new List<string>();
        foreach (var route in Routes(server).Where(route => !Open.ContainsKey(Pattern(route))))
        {
            if (await world.AskAsync(server.Anonymous, route) is var status and not HttpStatusCode.Unauthorized)
                wrong.Add($"{Show(route)} answered {(int)status}");
        }
        Assert.True(wrong.Count == 0, "Without a token every route says 401, before anything else is looked at:\n" + string.Join('\n', wrong));
    }

    [Fact]
    public async Task Every_route_below_an_Organization_answers_404_to_another_Organizations_owner()
    {
        await using var server = await UpdraftServer.StartAsync();
        var world = await World.CreateAsync(server);
        var stranger = await world.OwnerOfAnotherOrganizationAsync();
        var wrong = new List<string>();
        foreach (var route in Routes(server).Where(route => Pattern(route).Contains("{organizationId}", StringComparison.Ordinal)))
        {
            if (await world.AskAsync(stranger, route) is var status and not HttpStatusCode.NotFound)
                wrong.Add($"{Show(route)} answered {(int)status}");
        }
        Assert.True(wrong.Count == 0, "Another Organization's things do not exist for a caller; anything but 404 tells that they do:\n" + string.Join('\n', wrong));
    }

    [Fact]
    public async Task What_the_walk_asks_for_exists()
    {
        await using var server = await UpdraftServer.StartAsync();
        var world = await World.CreateAsync(server);
        var missing = new List<string>();
        foreach (var route in Routes(server).Where(route => Pattern(route).Contains("{organizationId}", StringComparison.Ordinal) && Methods(route).Contains("GET")))
        {
            if (await world.AskAsync(server.Client, route) is var status and not HttpStatusCode.OK)
                missing.Add($"{Show(route)} answered {(int)status} to its own owner");
        }
        Assert.True(missing.Count == 0, "The walk would find its 404s whoever asked:\n" + string.Join('\n', missing));
    }

    private static List<RouteEndpoint> Routes(UpdraftServer server)
    {
        var routes = server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>().ToList();
        Assert.True(routes.Count > 10, "The walk found hardly a route.");
        return routes;
    }

    private static string Pattern(RouteEndpoint route) => "/" + route.RoutePattern.RawText!.Trim('/');

    private static IReadOnlyList<string> Methods(RouteEndpoint route) => route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods ?? ["GET"];

    private static string Show(RouteEndpoint route) => $"{string.Join('|', Methods(route))} {Pattern(route)}";

    /// <summary>One of everything, so that every route can be asked for something that exists.</summary>
    private sealed class World
    {
        private readonly UpdraftServer _server;
        private readonly Dictionary<string, string> _values;

        private World(UpdraftServer server, Dictionary<string, string> values) => (_server, _values) = (server, values);

        public static async Task<World> CreateAsync(UpdraftServer server)
        {
            var deployment = await server.CreateDeploymentAsync();
            var path = $"{server.OrganizationPath}/deployments/{deployment}";
            // Finalized, because two routes show what a deploy did.
            var deploy = await server.Client.PostOkAsync($"{path}/deploys", new JsonObject { ["type"] = "IMAGE_AND_DAG" });
            await server.Client.PostOkAsync($"{path}/deploys/{deploy.Text("id")}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
            var upload = await UploadSite.CreateAsync(server, deployment);
            var version = await upload.UploadAsync(UploadSite.Tar("walk"));
            await upload.FinalizeAsync(version);
            var bundle = await server.Client.PostOkAsync($"{path}/bundles", new JsonObject { ["name"] = "walk" });
            var agentToken = await server.Client.PostOkAsync($"{path}/agent-tokens", new JsonObject { ["name"] = "walk" });
            var token = await server.Client.PostOkAsync($"{server.OrganizationPath}/tokens",
                new JsonObject { ["name"] = "walk", ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" });
            var webhook = await server.Client.PostOkAsync($"/updraft/v1/organizations/{server.OrganizationId}/webhooks",
                new JsonObject { ["name"] = "walk", ["workspaceId"] = server.WorkspaceId, ["url"] = "https://hooks.example.org/walk" });
            var clusters = await server.Client.GetOkAsync($"{server.OrganizationPath}/clusters");
            return new World(server, new Dictionary<string, string>
            {
                ["clusterId"] = clusters["clusters"]![0]!["id"]!.GetValue<string>(),
                ["organizationId"] = server.OrganizationId,
                ["workspaceId"] = server.WorkspaceId,
                ["deploymentId"] = deployment,
                ["deployId"] = upload.DeployId,
                ["tokenId"] = token.Text("id"),
                ["userId"] = await PersonAsync(server),
                ["roleId"] = "WORKSPACE_MEMBER",
                ["agentTokenId"] = agentToken.Text("id"),
                ["bundleId"] = bundle.Text("id"),
                ["webhookId"] = webhook.Text("id"),
                ["deliveryId"] = EntityId.New(TimeProvider.System),
                ["version"] = version,
                ["stepId"] = "created",
                ["purpose"] = "dags",
                ["manifest"] = new string('0', 64),
                ["packId"] = EntityId.New(TimeProvider.System),
            });
        }

        private static async Task<string> PersonAsync(UpdraftServer server) => (await server.AddUserAsync("walk@example.org")).UserId;

        public async Task<HttpStatusCode> AskAsync(HttpClient client, RouteEndpoint route)
        {
            var path = string.Join('/', route.RoutePattern.PathSegments.Select(segment => string.Concat(segment.Parts.Select(Fill))));
            if (path.EndsWith("/diff", StringComparison.Ordinal))
                path += $"?deployIdBefore={_values["deployId"]}&deployIdAfter={_values["deployId"]}";
            if (path.EndsWith("/text-diff", StringComparison.Ordinal) || path.EndsWith("/content", StringComparison.Ordinal))
                path += "?bundle=dags&path=dags/shop.py";
            using var request = new HttpRequestMessage(new HttpMethod(Methods(route)[0]), "/" + path);
            if (request.Method != HttpMethod.Get)
                request.Content = JsonRequests.Json("{}");
            using var response = await client.SendAsync(request, TestContext.Current.CancellationToken);
            return response.StatusCode;

            string Fill(Microsoft.AspNetCore.Routing.Patterns.RoutePatternPart part) => part switch
            {
                Microsoft.AspNetCore.Routing.Patterns.RoutePatternParameterPart parameter => _values.TryGetValue(parameter.Name, out var value)
                    ? value
                    : throw new InvalidOperationException($"{Show(route)}: say in World in this file what to put for {{{parameter.Name}}}."),
                Microsoft.AspNetCore.Routing.Patterns.RoutePatternLiteralPart literal => literal.Content,
                _ => throw new InvalidOperationException($"{Show(route)} has a part that this walk does not know."),
            };
        }

        /// <summary>No request makes a second Organization, so this one is put into the database.</summary>
        public async Task<HttpClient> OwnerOfAnotherOrganizationAsync()
        {
            await using var scope = _server.Services.CreateAsyncScope();
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            var id = new OrganizationId(EntityId.New(TimeProvider.System));
            var (row, token) = scope.ServiceProvider.GetRequiredService<IssueToken>()
                .Run(new TokenSpec { Kind = TokenKind.Api, Role = Role.OrganizationOwner, Organization = id, Name = "stranger" });
            db.AddRange(row, new Organization
            {
                Id = id,
                Name = "Strangers",
                CreatedAt = row.CreatedAt,
                CreatedBy = row.CreatedBy,
                UpdatedAt = row.CreatedAt,
                UpdatedBy = row.CreatedBy,
            });
            await db.SaveChangesAsync(TestContext.Current.CancellationToken);
            return _server.ClientWith(token);
        }
    }
}
