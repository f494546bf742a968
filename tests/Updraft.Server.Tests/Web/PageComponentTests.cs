using System.Reflection;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Components;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Server.Database;
using Updraft.Server.Tests.Deploys;
using Updraft.Server.Web;

namespace Updraft.Server.Tests.Web;

/// <summary>Rules of the Razor components: where their data comes from, and the number of queries of the deploy page.</summary>
[Trait("Database", "any")]
public sealed class PageComponentTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    private const BindingFlags Declared =
        BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DeclaredOnly;

    private static IEnumerable<PropertyInfo> Properties => typeof(PageComponent).Assembly.GetTypes()
        .Where(type => type.IsAssignableTo(typeof(ComponentBase)))
        .SelectMany(type => type.GetProperties(Declared));

    [Fact]
    public void No_component_injects_the_database_context()
    {
        var injected = Properties.Where(property => property.GetCustomAttribute<InjectAttribute>() is not null).ToList();
        Assert.True(injected.Count > 20);
        Assert.Empty(injected.Where(property => property.PropertyType.IsAssignableTo(typeof(DbContext)))
            .Select(property => $"{property.DeclaringType!.Name}: read the data in a query class of the slice."));
    }

    [Fact]
    public void No_component_has_an_untyped_parameter()
    {
        var parameters = Properties.Where(property => property.GetCustomAttribute<ParameterAttribute>() is not null).ToList();
        Assert.True(parameters.Count > 50);
        Assert.Empty(parameters
            .Where(property => property.PropertyType.GenericTypeArguments.Append(property.PropertyType).Contains(typeof(object)))
            .Select(property => $"{property.DeclaringType!.Name}.{property.Name}: declare the type, and make its record public."));
    }

    [Fact]
    public async Task Deploy_page_runs_at_most_four_queries()
    {
        // Entity Framework remembers for a while that it has no listener, so this one exists before the server does.
        using var listener = new DatabaseStatements(_ => false);
        // The clock stands still, so no background work runs.
        await using var server = await UpdraftServer.StartAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)));
        var site = await PageSite.CreateAsync(server);
        var agent = await DeployAgent.EnrollAsync(server, site.Id);
        var (first, _) = await site.DeployAsync("first", ("dags/shop.py", "one\n"));
        await agent.ReportActiveAsync();
        var (second, _) = await site.DeployAsync("second", ("dags/shop.py", "two\n"), ("dags/new.py", "x\n"));
        await agent.ReportActiveAsync();
        var deploys = $"{server.OrganizationPath}/deployments/{site.Id}/deploys";
        var rollback = (await server.Client.PostOkAsync($"{deploys}/{first}/rollback", new JsonObject { ["description"] = "back" })).Text("id");
        var open = (await server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "DAG_ONLY" })).Text("id");
        await using var scope = server.Services.CreateAsyncScope();
        // The count includes the session and the authorization. Both come from memory, except that PostgreSQL, which replicas can share,
        // is queried for the session, for its token and for the scope of the Deployment.
        var limit = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database.IsSqlite() ? 4 : 7;
        using var visitor = await Visitor.SignedInAsync(server);
        foreach (var deploy in (string[])[first, second, rollback, open])
        {
            await visitor.ReadAsync($"{site.Page}/deploys/{deploy}");
            var statements = await RecordAsync(server, visitor, $"{site.Page}/deploys/{deploy}");
            Assert.True(statements.Count is > 0 && statements.Count <= limit,
                $"{statements.Count} statements:\n{string.Join("\n\n", statements.Select(statement => statement.Text))}");
        }
    }

    private static async Task<List<Statement>> RecordAsync(UpdraftServer server, Visitor visitor, string path)
    {
        using var statements = new DatabaseStatements(_ => true, server);
        Assert.Contains("<h2>Steps</h2>", await visitor.ReadAsync(path), StringComparison.Ordinal);
        return statements.Recorded;
    }
}
