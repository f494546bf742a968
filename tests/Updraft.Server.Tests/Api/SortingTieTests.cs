using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Api;

/// <summary>
/// Lists of rows that are equal in the field they are sorted by: the id orders them, so that pages neither overlap nor miss a row. Every
/// list that can be sorted is covered; the clock stands still, so ids and insertion differ in their order.
/// </summary>
public sealed class SortingTieTests(SortingTieTests.Twins twins) : IClassFixture<SortingTieTests.Twins>
{
    private UpdraftServer Server => twins.Server;

    [Fact]
    public async Task Rows_equal_in_the_sorted_field_come_in_id_order()
    {
        var (compared, wrong) = (0, new List<string>());
        foreach (var (path, sort) in Lists())
        {
            var rows = (await ReadAsync(path, sort, 0, 1000)).Where(row => twins.Ids.Contains(row.Text("id"))).ToList();
            var field = sort.Split(':')[0];
            if (rows.Count < 2 || rows.Select(row => row[field]?.ToJsonString()).Distinct(StringComparer.Ordinal).Count() > 1)
                continue;
            compared++;
            var ids = rows.ConvertAll(row => row.Text("id"));
            if (field != "id" && !ids.SequenceEqual(ids.Order(StringComparer.Ordinal)))
                wrong.Add($"{path}?sorts={sort}: {string.Join(' ', ids)}");
        }
        Assert.True(compared >= 20, $"Only {compared} lists had equal rows.");
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Pages_of_one_row_show_each_row_once()
    {
        foreach (var (path, sort) in Lists())
        {
            var all = (await ReadAsync(path, sort, 0, 1000)).ConvertAll(row => row.Text("id"));
            var paged = new List<string>();
            for (var offset = 0; offset < all.Count; offset++)
                paged.Add(Assert.Single(await ReadAsync(path, sort, offset, 1)).Text("id"));
            Assert.Equal(all, paged);
            Assert.Equal(all.Count, paged.Distinct(StringComparer.Ordinal).Count());
            Assert.Empty(await ReadAsync(path, sort, all.Count, 1));
        }
    }

    [Fact]
    public async Task Rows_equal_in_the_first_field_are_sorted_by_the_second()
    {
        var names = (await ReadAsync($"{Server.OrganizationPath}/workspaces", "createdAt:desc&sorts=name:desc", 0, 1000)).ConvertAll(row => row.Text("name"));
        Assert.Equal(names.OrderDescending(StringComparer.Ordinal), names);
        Assert.True(names.Count > 5);
    }

    /// <summary>Every list of the first version of the API that can be sorted, with each of its orders.</summary>
    private IEnumerable<(string Path, string Sort)> Lists() =>
        from route in Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        let orders = route.Metadata.GetMetadata<SortOrders>()
        let path = "/" + route.RoutePattern.RawText!.Trim('/')
        where orders is not null && (path.StartsWith("/v1/", StringComparison.Ordinal) || path.StartsWith("/updraft/v1/", StringComparison.Ordinal))
        let filled = path.Replace("{organizationId}", Server.OrganizationId, StringComparison.Ordinal)
            .Replace("{deploymentId}", twins.DeploymentId, StringComparison.Ordinal)
        where !filled.Contains('{', StringComparison.Ordinal)
        from sort in orders.Values
        select (filled, sort);

    private async Task<List<JsonObject>> ReadAsync(string path, string sort, int offset, int limit)
    {
        var page = await Server.Client.GetOkAsync(string.Create(CultureInfo.InvariantCulture, $"{path}?sorts={sort}&offset={offset}&limit={limit}"));
        return [.. page.Select(field => field.Value).OfType<JsonArray>().Single().Select(row => row!.AsObject())];
    }

    /// <summary>A server whose clock stands still, with rows that were all made at the same moment.</summary>
    public sealed class Twins : IAsyncLifetime
    {
        private const int Count = 8;

        private UpdraftServer? _server;

        internal UpdraftServer Server => _server ?? throw new InvalidOperationException("The server has not started.");

        internal HashSet<string> Ids { get; } = new(StringComparer.Ordinal);

        internal string DeploymentId { get; private set; } = "";

        public async ValueTask InitializeAsync()
        {
            _server = await UpdraftServer.StartAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)));
            for (var i = 0; i < Count; i++)
            {
                Ids.Add(await Server.CreateWorkspaceAsync($"workspace {i}"));
                Ids.Add(DeploymentId = await Server.CreateDeploymentAsync($"deployment {i}"));
                Ids.Add((await Server.AddUserAsync($"user{i}@example.org")).UserId);
                await PostAsync($"{Server.OrganizationPath}/tokens", new()
                {
                    ["name"] = "twin",
                    ["scope"] = "ORGANIZATION",
                    ["role"] = "ORGANIZATION_MEMBER",
                });
                await PostAsync(WebhookSite.PathOf(Server), new()
                {
                    ["name"] = $"webhook {i}",
                    ["workspaceId"] = Server.WorkspaceId,
                    ["url"] = "https://hooks.example.org/",
                });
            }
            for (var i = 0; i < Count; i++)
                await PostAsync($"{Server.OrganizationPath}/deployments/{DeploymentId}/agent-tokens", new() { ["name"] = "twin" });
        }

        public async ValueTask DisposeAsync()
        {
            if (_server is not null)
                await _server.DisposeAsync();
        }

        private async Task PostAsync(string path, JsonObject body) => Ids.Add((await Server.Client.PostOkAsync(path, body)).Text("id"));
    }
}
