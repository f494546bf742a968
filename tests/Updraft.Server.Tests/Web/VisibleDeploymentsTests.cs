using System.Net;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Authorization;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Security;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>The web UI shows a user what their roles cover, on every page.</summary>
public sealed partial class VisibleDeploymentsTests(SharedServer shared) : IClassFixture<SharedServer>
{
    /// <summary>Every page and form, with the permission that it requires.</summary>
    private static readonly Dictionary<string, Permission> Required = new(StringComparer.Ordinal)
    {
        ["GET /deploys"] = Permission.ListDeployments,
        ["GET /deployments"] = Permission.ListDeployments,
        ["GET /deployments/events"] = Permission.ListDeployments,
        ["GET /deployments/{deploymentId}"] = Permission.ReadDeployment,
        ["GET /deployments/{deploymentId}/events"] = Permission.ReadDeployment,
        ["GET /deployments/{deploymentId}/deploys/{deployId}"] = Permission.ReadDeploys,
        ["GET /deployments/{deploymentId}/deploys/{deployId}/diff"] = Permission.ReadDeploys,
        ["GET /deployments/{deploymentId}/deploys/{deployId}/rollback"] = Permission.UpdateDeploys,
        ["POST /deployments/{deploymentId}/deploys/{deployId}/rollback"] = Permission.UpdateDeploys,
        ["GET /deployments/{deploymentId}/bundles"] = Permission.ReadDeploys,
        ["GET /deployments/{deploymentId}/bundles/{bundleId}"] = Permission.ReadDeploys,
        ["GET /deployments/{deploymentId}/versions/{version}/files"] = Permission.ReadDeploys,
        ["GET /deployments/{deploymentId}/versions/{version}/download"] = Permission.ReadDeploys,
        ["GET /deployments/{deploymentId}/settings"] = Permission.ReadDeployment,
        ["POST /deployments/{deploymentId}/settings"] = Permission.UpdateDeployment,
        ["GET /deployments/{deploymentId}/agent-tokens"] = Permission.ReadAgentTokens,
        ["POST /deployments/{deploymentId}/agent-tokens"] = Permission.ManageAgentTokens,
        ["POST /deployments/{deploymentId}/agent-tokens/{agentTokenId}/revoke"] = Permission.ManageAgentTokens,
        ["GET /tokens"] = Permission.ManageTokens,
        ["POST /tokens"] = Permission.ManageTokens,
        ["POST /tokens/{tokenId}/rotate"] = Permission.ManageTokens,
        ["POST /tokens/{tokenId}/revoke"] = Permission.ManageTokens,
        ["GET /audit-log"] = Permission.ReadAuditLog,
        ["GET /webhooks"] = Permission.ManageWebhooks,
        ["POST /webhooks"] = Permission.ManageWebhooks,
        ["GET /webhooks/{webhookId}"] = Permission.ManageWebhooks,
        ["POST /webhooks/{webhookId}"] = Permission.ManageWebhooks,
        ["POST /webhooks/{webhookId}/test"] = Permission.ManageWebhooks,
        ["POST /webhooks/{webhookId}/rotate"] = Permission.ManageWebhooks,
        ["POST /webhooks/{webhookId}/delete"] = Permission.ManageWebhooks,
        ["POST /webhooks/{webhookId}/deliveries/{deliveryId}/redeliver"] = Permission.ManageWebhooks,
        ["GET /members"] = Permission.ReadUsers,
        ["POST /members/{userId}/role"] = Permission.ManageUserRoles,
        ["POST /members/{userId}/status"] = Permission.ManageUsers,
        ["POST /members/{userId}/sessions/end"] = Permission.ManageUsers,
    };

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public void Every_page_requires_the_permission_of_the_table()
    {
        var routes = Pages().ToDictionary(route => $"{route.Method} {route.Path}", route => route.Endpoint.Metadata.GetMetadata<RequiredPermission>()?.Permission, StringComparer.Ordinal);
        Assert.Equal(Required.Keys.Order(StringComparer.Ordinal), routes.Keys.Order(StringComparer.Ordinal));
        Assert.Empty(Required.Where(row => routes[row.Key] != row.Value).Select(row => $"{row.Key} requires {routes[row.Key]} instead of {row.Value}"));
    }

    [Fact]
    public async Task Version_of_a_hidden_Deployment_is_rejected_with_404()
    {
        var hidden = await HideAsync();
        using var outsider = await OutsiderAsync("WORKSPACE_OWNER");
        using var owner = await Visitor.SignedInAsync(Server);

        using var found = await owner.GetAsync($"/deploys?version={hidden["version"]}");
        Assert.Equal($"/deployments/{hidden["deploymentId"]}/deploys/{hidden["deployId"]}", found.Headers.Location?.OriginalString);
        using var absent = await outsider.GetAsync($"/deploys?version={hidden["version"]}");
        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
        Assert.DoesNotContain(hidden["deploymentId"], await absent.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Version_of_a_deleted_Deployment_is_rejected_with_404()
    {
        var deleted = await HideAsync();
        using (await Server.Client.DeleteAsync($"{Server.OrganizationPath}/deployments/{deleted["deploymentId"]}", Cancelled))
        {
        }
        using var owner = await Visitor.SignedInAsync(Server);
        using var absent = await owner.GetAsync($"/deploys?version={deleted["version"]}");
        Assert.Equal(HttpStatusCode.NotFound, absent.StatusCode);
    }

    [Theory]
    [InlineData("WORKSPACE_OWNER")]
    [InlineData("WORKSPACE_MEMBER")]
    public async Task Every_page_of_a_hidden_Deployment_is_rejected_with_404(string role)
    {
        var hidden = await HideAsync();
        using var outsider = await OutsiderAsync(role);
        using var owner = await Visitor.SignedInAsync(Server);
        var (checkedPages, shown) = (0, new List<string>());
        foreach (var (method, path, _) in Pages().Where(route => route.Path.Contains("{deploymentId}", StringComparison.Ordinal) && route.Method == "GET"))
        {
            var url = Fill(path, hidden) + (path.EndsWith("/download", StringComparison.Ordinal) ? "?path=dags/shop.py" : "");
            using var response = await outsider.GetAsync(url);
            if (response.StatusCode != HttpStatusCode.NotFound)
                shown.Add($"{method} {url}: {(int)response.StatusCode}");
            if (path.EndsWith("/events", StringComparison.Ordinal))
                continue;
            using var visible = await owner.GetAsync(url);
            Assert.True(visible.StatusCode == HttpStatusCode.OK, $"{url}: {(int)visible.StatusCode}");
            checkedPages++;
        }
        Assert.Empty(shown);
        Assert.True(checkedPages >= 9, $"Only {checkedPages} pages were checked.");
    }

    [Fact]
    public async Task Every_list_leaves_out_a_hidden_Deployment()
    {
        var hidden = await HideAsync();
        using var outsider = await OutsiderAsync("WORKSPACE_OWNER");
        using var owner = await Visitor.SignedInAsync(Server);
        var (lists, named) = (0, 0);
        foreach (var (_, path, _) in Pages().Where(route => route.Method == "GET" && !route.Path.Contains('{', StringComparison.Ordinal)
            && route.Path is not ("/deploys" or "/deployments/events")))
        {
            var html = await outsider.ReadAsync(path);
            lists++;
            Assert.DoesNotContain(hidden["deploymentId"], html, StringComparison.Ordinal);
            Assert.DoesNotContain(hidden["name"], html, StringComparison.Ordinal);
            if ((await owner.ReadAsync(path)).Contains(hidden["name"], StringComparison.Ordinal))
                named++;
        }
        Assert.True(lists >= 5 && named >= 2, $"{named} of {lists} lists name the Deployment to the owner.");
    }

    /// <summary>Pages and forms that require a permission.</summary>
    private IEnumerable<(string Method, string Path, RouteEndpoint Endpoint)> Pages() =>
        from route in Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        where route.Metadata.GetMetadata<PageRoute>() is not null && route.Metadata.GetMetadata<IAllowAnonymous>() is null
        from method in route.Metadata.GetMetadata<HttpMethodMetadata>()!.HttpMethods
        where method != "HEAD"
        select (method, "/" + route.RoutePattern.RawText!.Trim('/'), route);

    /// <summary>A Deployment with a deploy in a Workspace of its own, and a webhook for it.</summary>
    private async Task<Dictionary<string, string>> HideAsync()
    {
        var name = Protocol.EntityId.New(TimeProvider.System);
        var workspace = await Server.CreateWorkspaceAsync(name);
        var site = new PageSite(Server, await Server.CreateDeploymentAsync($"hidden {name}", workspace));
        var (deploy, version) = await site.DeployAsync("hidden deploy", ("dags/shop.py", "one\n"));
        return new(StringComparer.Ordinal)
        {
            ["name"] = $"hidden {name}",
            ["deploymentId"] = site.Id,
            ["deployId"] = deploy,
            ["version"] = version,
            ["bundleId"] = (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/deployments/{site.Id}/bundles"))["bundles"]![0]!.AsObject().Text("id"),
        };
    }

    /// <summary>A visitor with a role in another Workspace.</summary>
    private async Task<Visitor> OutsiderAsync(string role) => await Visitor.SignedInAsync(Server,
        await Server.CreateTokenAsync("WORKSPACE", role, await Server.CreateWorkspaceAsync(Protocol.EntityId.New(TimeProvider.System))));

    private static string Fill(string path, Dictionary<string, string> ids) => Parameter().Replace(path, match => ids[match.Groups["name"].Value]);

    [GeneratedRegex("\\{(?<name>\\w+)\\}")]
    private static partial Regex Parameter();
}
