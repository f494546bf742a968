using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;
using Updraft.Server.Deploys;

namespace Updraft.Server.Tests.Web;

/// <summary>The cost of a history page does not depend on the length of the history. <c>./bench P9</c> measures the time.</summary>
public sealed class LongHistoryTests
{
    private const int Short = 60, Long = 4000, PageSize = 25;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("", PageSize)]
    [InlineData("?below=50", PageSize)]
    [InlineData("?type=DAG_ONLY&status=Deployed&person=owner", PageSize)]
    [InlineData("?status=Failed", 0)]
    [InlineData("?text=nothing%20like%20it", 0)]
    public async Task Long_history_page_needs_no_more_statements_and_no_table_scan(string query, int rows)
    {
        await using var server = await UpdraftServer.StartAsync();
        var site = await PageSite.CreateAsync(server);
        await site.DeployAsync("first", ("dags/shop.py", "one\n"));
        using var visitor = await Visitor.SignedInAsync(server);
        await GrowAsync(server, site, Short);
        await visitor.ReadAsync(site.Page + query);
        var few = await RequestAsync(visitor, site, query, rows);
        await GrowAsync(server, site, Long);
        var many = await RequestAsync(visitor, site, query, rows);

        Assert.NotEmpty(few);
        Assert.Empty(many.Select(statement => statement.Text).Except(few.Select(statement => statement.Text), StringComparer.Ordinal));
        Assert.InRange(many.Count, 1, few.Count);
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        if (!db.Database.IsSqlite())
            return;
        await db.Database.OpenConnectionAsync(Cancelled);
        foreach (var statement in many)
        {
            var plan = await PlanAsync(db, statement);
            Assert.False(plan.Exists(line => line.StartsWith("SCAN ", StringComparison.Ordinal)
                && !line.Contains("VIRTUAL TABLE", StringComparison.Ordinal) && !line.Contains("CONSTANT ROW", StringComparison.Ordinal)),
                $"{statement.Text}\n{string.Join('\n', plan)}");
            // An index gives the order, so that the query stops after the last row of the page.
            if (statement.Text.Contains("deploys", StringComparison.Ordinal) && statement.Text.Contains("LIMIT", StringComparison.Ordinal))
                Assert.DoesNotContain(plan, line => line.Contains("TEMP B-TREE", StringComparison.Ordinal));
        }
    }

    private static async Task<List<Statement>> RequestAsync(Visitor visitor, PageSite site, string query, int rows)
    {
        using var statements = new DatabaseStatements(parameters => parameters.Any(value => value is string text && text == site.Id));
        var page = await visitor.ReadAsync(site.Page + query);
        Assert.Equal(rows, page.Split("<th scope=\"row\"><a href=\"").Length - 1);
        Assert.True(page.Length < 300_000, $"{page.Length} characters");
        return statements.Recorded;
    }

    /// <summary>Copies the first deploy in the database until the history has this length; the API would be slow.</summary>
    private static async Task GrowAsync(UpdraftServer server, PageSite site, int count)
    {
        await using var scope = server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var table = StoreObjectIdentifier.Table("deploys");
        var columns = db.Model.FindEntityType(typeof(Deploy))!.GetProperties()
            .Select(property => property.GetColumnName(table)).OfType<string>().ToList();
        // Ids have 25 characters. Both databases concatenate with ||.
        var values = columns.Select(column => column switch
        {
            "id" => "'c00000000000' || (1000000000000 + n.i)",
            "number" => "n.i",
            "revision" => "NULL",
            _ => "o." + column,
        });
        var sql = string.Create(CultureInfo.InvariantCulture, $"""
            INSERT INTO deploys ({string.Join(", ", columns)})
            WITH RECURSIVE n(i) AS (SELECT deploy_count + 1 FROM deployments WHERE id = '{site.Id}'
                UNION ALL SELECT i + 1 FROM n WHERE i < {count})
            SELECT {string.Join(", ", values)}
            FROM n CROSS JOIN (SELECT * FROM deploys WHERE deployment_id = '{site.Id}' AND number = 1) o
            """);
        await db.Database.ExecuteSqlRawAsync(sql, Cancelled);
        await db.Database.ExecuteSqlAsync($"UPDATE deployments SET deploy_count = {count} WHERE id = {site.Id}", Cancelled);
    }

    private static async Task<List<string>> PlanAsync(UpdraftDbContext db, Statement statement)
    {
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = "EXPLAIN QUERY PLAN " + statement.Text;
        foreach (var (name, value) in statement.Parameters)
        {
            var parameter = command.CreateParameter();
            (parameter.ParameterName, parameter.Value) = (name, value);
            command.Parameters.Add(parameter);
        }
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var lines = new List<string>();
        while (await reader.ReadAsync(Cancelled))
            lines.Add(reader.GetString(3));
        return lines;
    }
}
