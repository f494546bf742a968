using System.Globalization;
using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Api;

/// <summary>
/// Pages of every list of the API. The tests find the lists by their routes and compare each page, row for row, with the part of the
/// whole list that its offset and limit select.
/// </summary>
public sealed class PagingTests(PagingTests.Lists lists) : IClassFixture<PagingTests.Lists>
{
    private UpdraftServer Server => lists.Server;

    [Fact]
    public async Task Page_of_every_list_is_its_part_of_the_whole()
    {
        var (wrong, longLists) = (new List<string>(), 0);
        foreach (var path in Paths())
        {
            var (all, total) = await ReadAsync(path, 0, 1000);
            Assert.Equal((path, (long)all.Count), (path, total));
            if (all.Count >= 3)
                longLists++;
            foreach (var limit in (int[])[0, 1, 2, 3])
            {
                for (var offset = 0; offset <= Math.Min(all.Count, 5) + 1; offset++)
                {
                    var (page, count) = await ReadAsync(path, offset, limit);
                    if (count != total || !page.SequenceEqual(all.Skip(offset).Take(limit), StringComparer.Ordinal))
                        wrong.Add($"{path}?offset={offset}&limit={limit} of {total}:\n{string.Join('\n', page)}");
                }
            }
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.True(longLists >= 15, $"Only {longLists} lists had three rows.");
    }

    [Fact]
    public async Task Largest_limit_is_accepted_by_every_list()
    {
        foreach (var path in Paths())
        {
            using var largest = await Server.Client.GetAsync($"{path}?limit=1000", TestContext.Current.CancellationToken);
            using var larger = await Server.Client.GetAsync($"{path}?limit=1001", TestContext.Current.CancellationToken);
            Assert.Equal((path, 200, 400), (path, (int)largest.StatusCode, (int)larger.StatusCode));
        }
    }

    private IEnumerable<string> Paths() => Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(route => route.Metadata.GetMetadata<MethodInfo>() is { } handler
            && handler.GetParameters().Any(parameter => parameter.ParameterType == typeof(Paging)))
        .Select(route => string.Join('/', ("/" + route.RoutePattern.RawText!.Trim('/')).Split('/')
            .Select(part => part.StartsWith('{') ? lists.Ids[part.Trim('{', '}')] : part)))
        .Distinct(StringComparer.Ordinal);

    private async Task<(List<string> Rows, long Total)> ReadAsync(string path, int offset, int limit)
    {
        var page = await Server.Client.GetOkAsync(string.Create(CultureInfo.InvariantCulture, $"{path}?offset={offset}&limit={limit}"));
        var rows = page.Select(field => field.Value).OfType<JsonArray>().Single();
        // Delivery attempts change webhooks and deliveries in the background, so only their ids are compared.
        var isMoving = path.Contains("/webhooks", StringComparison.Ordinal);
        return ([.. rows.Select(row => isMoving ? row!.AsObject().Text("id") : row!.ToJsonString())], (long)page["totalCount"]!);
    }

    /// <summary>A server with several rows in each list. Its clock moves only between rows, so that no row changes later.</summary>
    public sealed class Lists : IAsyncLifetime
    {
        private const int Count = 4;

        private readonly FakeTimeProvider _clock = new(DateTimeOffset.UnixEpoch.AddYears(60));
        private UpdraftServer? _server;

        internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

        /// <summary>The values of the parameters of routes.</summary>
        internal Dictionary<string, string> Ids { get; } = new(StringComparer.Ordinal);

        public async ValueTask InitializeAsync()
        {
            _server = await UpdraftServer.StartAsync(_clock);
            var organization = Server.OrganizationPath;
            var deployment = await Server.CreateDeploymentAsync("with everything");
            var site = new PageSite(Server, deployment);
            (Ids["organizationId"], Ids["workspaceId"], Ids["deploymentId"]) = (Server.OrganizationId, Server.WorkspaceId, deployment);
            Ids["webhookId"] = await PostWebhookAsync("with deliveries", await Server.CreateWorkspaceAsync("of the webhook"));
            var deploys = new List<string>();
            for (var i = 0; i < Count; i++)
            {
                _clock.Advance(TimeSpan.FromSeconds(1));
                await Server.CreateWorkspaceAsync($"workspace {i}");
                await Server.CreateDeploymentAsync($"deployment {i}");
                await Server.AddUserAsync($"user{i}@example.org");
                await PostAsync($"{organization}/tokens",
                    new() { ["name"] = $"token {i}", ["scope"] = "ORGANIZATION", ["role"] = "ORGANIZATION_MEMBER" });
                await PostAsync($"{organization}/deployments/{deployment}/agent-tokens", new() { ["name"] = $"agent {i}" });
                await PostWebhookAsync($"webhook {i}", Server.WorkspaceId);
                await PostAsync($"{WebhookSite.PathOf(Server)}/{Ids["webhookId"]}/test", []);
                await PostAsync($"{organization}/deployments/{deployment}/bundles",
                    new() { ["name"] = $"bundle{i}", ["isDagBundle"] = true });
                deploys.Add((await site.DeployAsync($"deploy {i}", ("dags/shop.py", $"{i}\n"))).Item1);
            }
            // The bundle has one version twice: only the newest of its entries is the desired one.
            _clock.Advance(TimeSpan.FromSeconds(1));
            await Server.Client.PostOkAsync($"{organization}/deployments/{deployment}/deploys/{deploys[0]}/rollback", new JsonObject());
            Ids["deployId"] = deploys[^1];
            Ids["bundleId"] = await FirstAsync($"{organization}/deployments/{deployment}/bundles");
            var steps = $"/v1alpha1/organizations/{Server.OrganizationId}/deployments/{deployment}/deploys/{Ids["deployId"]}/steps";
            Ids["stepId"] = await FirstAsync(steps);
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is not null)
                await _server.DisposeAsync();
        }

        private Task<string> PostWebhookAsync(string name, string workspace) => PostAsync(WebhookSite.PathOf(Server), new()
        {
            ["name"] = name,
            ["workspaceId"] = workspace,
            ["url"] = "https://hooks.example.org/",
            ["eventTypes"] = new JsonArray("deploy.failed"),
        });

        private async Task<string> FirstAsync(string path) =>
            (await Server.Client.GetOkAsync(path)).Select(field => field.Value).OfType<JsonArray>().Single()[0]!.AsObject().Text("id");

        private async Task<string> PostAsync(string path, JsonObject body) => (await Server.Client.PostOkAsync(path, body)).Text("id");
    }
}
