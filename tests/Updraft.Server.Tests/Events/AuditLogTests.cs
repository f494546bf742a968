using System.Net;
using System.Text.Json.Nodes;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Events;

public sealed class AuditLogTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Event_has_subject_target_scope_and_request()
    {
        var site = await PageSite.CreateAsync(Server, "Audited orders");
        var git = new JsonObject { ["provider"] = "GITHUB", ["account"] = "shop", ["repo"] = "dags", ["commitSha"] = "0123abcd" };
        var (deploy, version) = await site.DeployAsync("Totals by region", git, ("dags/shop.py", "one\n"));
        using var request = new HttpRequestMessage(HttpMethod.Post,
            $"{Server.OrganizationPath}/deployments/{site.Id}/deploys/{deploy}/rollback");
        request.Headers.Add("X-Request-Id", "audit-1");
        request.Content = JsonRequests.Json("""{"description":"back"}""");
        using var response = await Server.Client.SendAsync(request, Cancelled);
        var back = (await response.ReadAsync(HttpStatusCode.OK)).Text("id");

        var log = await Server.ReadLogAsync($"deploymentId={site.Id}");
        Assert.Equal(["deploy.rolled_back", "deploy.finalized", "deploy.created", "deployment.created"],
            log.Select(row => row.Text("type")));
        var (rolledBack, finalized) = (log[0], log[1]);
        Assert.Equal(("audit-1", "deploy", back, back, "Audited orders #2", site.Id, Server.WorkspaceId, Server.OrganizationId),
            (rolledBack.Text("requestId"), rolledBack.Text("targetType"),
            rolledBack.Text("targetId"), rolledBack.Text("deployId"), rolledBack.Text("targetName"), rolledBack.Text("deploymentId"),
            rolledBack.Text("workspaceId"), rolledBack.Text("organizationId")));
        Assert.Equal((deploy, "back"),
            (rolledBack["details"]!["rollbackFromId"]!.GetValue<string>(), rolledBack["details"]!["description"]!.GetValue<string>()));
        Assert.Equal(("owner", version, "0123abcd", "1"),
            (finalized["by"]!["apiTokenName"]!.GetValue<string>(), finalized["details"]!["version"]!.GetValue<string>(),
            finalized["details"]!["commitSha"]!.GetValue<string>(), finalized["details"]!["revision"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Events_are_filtered_by_type_subject_scope_time_and_text()
    {
        await using var server = await UpdraftServer.StartAsync();
        var other = await server.CreateWorkspaceAsync("100% of_it");
        var deployment = await server.CreateDeploymentAsync("Orders", other);
        var (_, access, _) = await server.AddUserAsync("ann@example.org", ("none", "none"));
        var all = await server.ReadLogAsync();
        Assert.Equal(["session.started", "user.created", "deployment.created", "workspace.created", "token.created",
            "workspace.created", "organization.created"],
            all.Select(row => row.Text("type")));
        var middle = all[2].Text("at");
        foreach (var (query, count) in ((string, int)[])
            [
                ("type=session.started", 1), ("type=workspace", 2), ("type=deployment.deleted", 0), ("actor=ANN@example", 2),
                    ("actor=owner", 5), ("actor=nobody", 0),
                ($"workspaceId={other}", 2), ($"deploymentId={deployment}", 1), ("workspaceId=cunknown", 0), ($"from={middle}", 3),
                ($"to={middle}", 4), ($"from={middle}&to={middle}", 0),
                ("text=100%25 of_", 2), ("text=100__of", 0), ("text=orders", 1), ($"text={deployment}", 1),
                ($"text={all[2].Text("requestId")}", 1), ("text=orders&type=workspace", 0),
                ("", 7), ("type=&actor=&text=", 7),
            ])
        {
            var page = await server.Client.GetOkAsync($"{server.LogPath()}?{query}");
            Assert.True(count == page["totalCount"]!.GetValue<long>() && count == page["events"]!.AsArray().Count, $"{query}: {page}");
        }
        Assert.Equal(all.Skip(2).Take(3).Select(row => row.Text("id")), (await server.ReadLogAsync("offset=2&limit=3"))
            .Select(row => row.Text("id")));
        foreach (var query in (string[])["from=yesterday", "to=x", "text=a%00b", "limit=-1", $"actor={new string('x', 201)}"])
        {
            using var rejected = await server.Client.GetAsync($"{server.LogPath()}?{query}", Cancelled);
            Assert.Equal(HttpStatusCode.BadRequest, rejected.StatusCode);
        }
        using var forbidden = await server.ClientWith(access).GetAsync(server.LogPath(), Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, forbidden.StatusCode);
    }

    [Fact]
    public async Task Workspace_owner_sees_only_events_of_their_Workspaces()
    {
        var (mine, also, other) =
            (await Server.CreateWorkspaceAsync("mine"), await Server.CreateWorkspaceAsync("also mine"),
            await Server.CreateWorkspaceAsync("other"));
        await Server.CreateDeploymentAsync("in mine", mine);
        await Server.CreateDeploymentAsync("in also mine", also);
        await Server.CreateDeploymentAsync("in other", other);
        var token = await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", mine);
        var client = Server.ClientWith(token);
        Assert.Equal([mine], (await Server.ReadLogAsync(client: client)).Select(row => row.Text("workspaceId")).Distinct());
        Assert.Contains("in mine", (await Server.ReadLogAsync("type=deployment", client)).Select(row => row.Text("targetName")));
        foreach (var workspace in (string[])[other, "cunknown"])
        {
            using var hidden = await client.GetAsync($"{Server.LogPath()}?workspaceId={workspace}", Cancelled);
            Assert.Equal(HttpStatusCode.NotFound, hidden.StatusCode);
        }

        var (user, access, _) = await Server.AddUserAsync("two@example.org");
        await Server.Client.PostOkAsync($"{Server.OrganizationPath}/users/{user}/roles", new JsonObject
        {
            ["workspaceRoles"] = new JsonArray(Role(mine, "WORKSPACE_OWNER"), Role(also, "WORKSPACE_OWNER"),
                Role(other, "WORKSPACE_MEMBER")),
        });
        var userClient = Server.ClientWith(access);
        Assert.Equal(new HashSet<string>([mine, also]), (await Server.ReadLogAsync(client: userClient))
            .Select(row => row.Text("workspaceId")).ToHashSet(StringComparer.Ordinal));
        using var member = await userClient.GetAsync($"{Server.LogPath()}?workspaceId={other}", Cancelled);
        Assert.Equal(HttpStatusCode.Forbidden, member.StatusCode);
        Assert.Equal([also], (await Server.ReadLogAsync($"workspaceId={also}", userClient)).Select(row => row.Text("workspaceId"))
            .Distinct());

        static JsonObject Role(string workspace, string role) => new() { ["workspaceId"] = workspace, ["role"] = role };
    }

    [Fact]
    public async Task Role_change_in_a_Workspace_belongs_to_its_events()
    {
        var workspace = await Server.CreateWorkspaceAsync("with roles");
        var (user, _, _) = await Server.AddUserAsync("roles@example.org");
        await Server.Client.PostOkAsync($"{Server.OrganizationPath}/users/{user}/roles", new JsonObject
        {
            ["workspaceRoles"] = new JsonArray(new JsonObject { ["workspaceId"] = workspace, ["role"] = "WORKSPACE_OPERATOR" }),
            ["organizationRole"] = (await Server.Client.GetOkAsync($"{Server.OrganizationPath}/users/{user}"))["organizationRole"]?.GetValue<string>(),
        });
        var row = Assert.Single(await Server.ReadLogAsync($"workspaceId={workspace}&type=user.roles_changed"));
        Assert.Equal(("none", $"WORKSPACE_OPERATOR in {workspace}"),
            (row["details"]!["before"]!.GetValue<string>(), row["details"]!["roles"]!.GetValue<string>()));
    }

    [Fact]
    public async Task Export_has_all_events_and_no_spreadsheet_formulas()
    {
        var workspace = await Server.CreateWorkspaceAsync("=1+1,\"x\"");
        foreach (var (format, type, first) in ((string, string, string)[])[("csv", "text/csv", "at,type,byId"),
            ("jsonl", "application/jsonl", "{\"id\":")])
        {
            using var response = await Server.Client.GetAsync($"{Server.LogPath()}/export?format={format}&workspaceId={workspace}",
                Cancelled);
            var lines = (await response.Content.ReadAsStringAsync(Cancelled)).Split('\n', StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal((HttpStatusCode.OK, type), (response.StatusCode, response.Content.Headers.ContentType!.MediaType));
            Assert.StartsWith(first, lines[0], StringComparison.Ordinal);
            Assert.Contains(format == "csv" ? ",\"'=1+1,\"\"x\"\"\"," : "\"targetName\":\"=1", lines[^1], StringComparison.Ordinal);
        }
        using var unknown = await Server.Client.GetAsync($"{Server.LogPath()}/export?format=xml", Cancelled);
        Assert.Equal(HttpStatusCode.BadRequest, unknown.StatusCode);
    }

    [Fact]
    public async Task Export_over_many_pages_has_each_event_once()
    {
        var workspace = new WorkspaceId(await Server.CreateWorkspaceAsync("long history"));
        await using (var scope = Server.Services.CreateAsyncScope())
        {
            var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
            var like = await db.Events.AsNoTracking().SingleAsync(row => row.WorkspaceId == workspace, Cancelled);
            // 1,500 events have the same time, so pages end between events of the same time.
            db.Events.AddRange(Enumerable.Range(0, 4000).Select(i => new Event
            {
                Id = new(EntityId.New(TimeProvider.System)),
                At = like.At.AddSeconds(1 + (i / 1500)),
                Type = like.Type,
                OrganizationId = like.OrganizationId,
                WorkspaceId = workspace,
                By = like.By,
                TargetType = like.TargetType,
                TargetId = $"{i}",
                TargetName = "many",
                Details = like.Details,
                IsPending = false,
            }));
            await db.SaveChangesAsync(Cancelled);
        }
        using var response = await Server.Client.GetAsync($"{Server.LogPath()}/export?format=jsonl&workspaceId={workspace.Value}",
            Cancelled);
        var rows = (await response.Content.ReadAsStringAsync(Cancelled)).Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => JsonNode.Parse(line)!.AsObject()).ToList();
        Assert.Equal(4001, rows.Count);
        Assert.Equal(4001, rows.DistinctBy(row => row.Text("id")).Count());
        Assert.Equal(rows.OrderByDescending(row => row.Text("at"), StringComparer.Ordinal).Select(row => row.Text("at")),
            rows.Select(row => row.Text("at")));
    }

    [Fact]
    public async Task Events_expire_after_the_configured_days()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        await using var server = await UpdraftServer.StartAsync(clock,
            new Dictionary<string, string>(StringComparer.Ordinal) { ["Events:KeepDays"] = "10" });
        var deployment = await server.CreateDeploymentAsync("old");
        await server.Client.PostOkAsync($"{server.OrganizationPath}/deployments/{deployment}/deploys",
            new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        clock.Advance(TimeSpan.FromDays(9.5));
        await server.CreateDeploymentAsync("new");
        clock.Advance(TimeSpan.FromDays(1));
        await Poll.UntilAsync(async () => await server.CountLogAsync() <= 1);
        var left = Assert.Single(await server.ReadLogAsync());
        Assert.Equal(("deployment.created", "new"), (left.Text("type"), left.Text("targetName")));
    }

    [Fact]
    [Trait("Database", "SQLite")]
    public async Task Every_page_of_the_log_is_read_by_an_index()
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var (log, db) = (scope.ServiceProvider.GetRequiredService<AuditLog>(),
            scope.ServiceProvider.GetRequiredService<UpdraftDbContext>());
        var (one, two) = (new WorkspaceId("cwsp1"), new WorkspaceId("cwsp2"));
        Subject owner = Owning(Grant.For(Role.OrganizationOwner, new(Server.OrganizationId), null, null)),
            ofOne = Owning(Grant.For(Role.WorkspaceOwner, new(Server.OrganizationId), one, null)),
            ofTwo = Owning(Grant.For(Role.WorkspaceOwner, new(Server.OrganizationId), one, null),
                Grant.For(Role.WorkspaceOwner, new(Server.OrganizationId), two, null));
        foreach (var subject in (Subject[])[owner, ofOne, ofTwo])
        {
            foreach (var filter in (EventFilter[])[new(), new() { Type = "deploy.created" }, new() { Type = "deploy" },
                new() { Workspace = one }, new() { Deployment = new DeploymentId("cdep") },
                new() { From = DateTimeOffset.UnixEpoch, To = DateTimeOffset.MaxValue }, new() { Text = "x", Actor = "y" },
                new() { Workspace = one, Type = "deploy.created" }])
            {
                var plan = string.Join('\n', await PlanAsync(db, log.Find(subject, filter).Skip(100).Take(50)));
                Assert.Contains("USING INDEX ix_events_organization_id", plan, StringComparison.Ordinal);
                Assert.DoesNotContain("TEMP B-TREE", plan, StringComparison.Ordinal);
            }
        }

        Subject Owning(params Grant[] grants) => new(SubjectKind.User, "u", "u", new(Server.OrganizationId), grants);
    }

    private static async Task<List<string>> PlanAsync(UpdraftDbContext db, IQueryable<Event> rows)
    {
        await db.Database.OpenConnectionAsync(Cancelled);
        await using var command = rows.CreateDbCommand();
        command.CommandText = "EXPLAIN QUERY PLAN "
            + command.CommandText[command.CommandText.IndexOf("SELECT", StringComparison.Ordinal)..];
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var lines = new List<string>();
        while (await reader.ReadAsync(Cancelled))
            lines.Add(reader.GetString(3));
        return lines;
    }
}
