using System.Net;
using System.Text;
using Microsoft.AspNetCore.Routing;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Events;

/// <summary>A change and its event are one commit: an event that the database rejects takes its change along. Every operation is covered.</summary>
public sealed class EventWithChangeTests(SharedServer shared) : IClassFixture<SharedServer>
{
    /// <summary>Columns that the server writes in the background, whatever is changed; of deliveries everything but the id.</summary>
    private static readonly HashSet<string> Background = new(StringComparer.Ordinal)
    {
        "last_used_at", "last_seen_at", "is_pending", "webhooks.failing_since", "webhooks.is_enabled", "webhooks.disabled_reason",
    };

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static TheoryData<string> Operations => [.. ChangingRoutes.Recorded.Keys.Order(StringComparer.Ordinal)];

    [Theory]
    [MemberData(nameof(Operations))]
    public async Task Change_whose_event_is_rejected_is_not_kept(string operation)
    {
        var send = await ChangingRoutes.Recorded[operation].Prepare(new(Server), PathOf(operation));
        var before = await ReadTablesAsync();
        await using (await RejectedEvents.StartAsync(Server))
        {
            using var response = await send();
            Assert.True(response.StatusCode >= HttpStatusCode.BadRequest, $"{operation} succeeded without its event: {(int)response.StatusCode}");
        }

        var after = await ReadTablesAsync();
        Assert.Equal(before.Keys, after.Keys);
        foreach (var (table, rows) in before)
            Assert.True(rows.SetEquals(after[table]), $"{operation} failed and changed {table}:\n{string.Join('\n', rows.Except(after[table]))}\n->\n{string.Join('\n', after[table].Except(rows))}");
    }

    /// <summary>The first route of an operation; the others differ in the version of the API.</summary>
    private string PathOf(string operation)
    {
        var (method, path) = (operation.Split(' ')[0], operation.Split(' ')[1]);
        return Server.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
            .Where(route => route.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods.Contains(method) == true)
            .Select(route => "/" + route.RoutePattern.RawText!.Trim('/'))
            .First(route => path.StartsWith("/organizations", StringComparison.Ordinal) ? route.EndsWith(path, StringComparison.Ordinal) : route == path);
    }

    private async Task<SortedDictionary<string, HashSet<string>>> ReadTablesAsync()
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var tables = new SortedDictionary<string, HashSet<string>>(StringComparer.Ordinal);
        foreach (var table in db.Model.GetEntityTypes().Select(type => type.GetTableName()).OfType<string>().Distinct(StringComparer.Ordinal))
        {
            // Facts say when the server last did its hourly work. A login code is used up by its first use, whatever becomes of it.
            if (table is not ("server_facts" or "authorization_codes"))
                tables[table] = await ReadRowsAsync(db, table);
        }
        return tables;
    }

    private static async Task<HashSet<string>> ReadRowsAsync(UpdraftDbContext db, string table)
    {
        await db.Database.OpenConnectionAsync(Cancelled);
        await using var command = db.Database.GetDbConnection().CreateCommand();
        // The row of the default DAG bundle is no change: the first look at the bundles of a Deployment adds it.
        command.CommandText = table == "bundles" ? "SELECT * FROM bundles WHERE path <> 'dags'" : $"SELECT * FROM {table}";
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var rows = new HashSet<string>(StringComparer.Ordinal);
        while (await reader.ReadAsync(Cancelled))
        {
            var row = new StringBuilder();
            for (var i = 0; i < reader.FieldCount; i++)
            {
                var name = reader.GetName(i);
                if (Background.Contains(name) || Background.Contains($"{table}.{name}") || (table == "webhook_deliveries" && name != "id"))
                    continue;
                row.Append(name).Append('=').Append(reader.GetValue(i) is byte[] bytes ? Convert.ToHexString(bytes) : reader.GetValue(i)).Append(' ');
            }
            rows.Add(row.ToString());
        }
        return rows;
    }
}
