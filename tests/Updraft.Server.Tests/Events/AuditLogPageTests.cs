using System.Net;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.Server.Tests.Deploys;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Events;

/// <summary>The pages of the audit log and of the agent history in the web UI.</summary>
public sealed class AuditLogPageTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private UpdraftServer Server => shared.Server;

    [Fact]
    public async Task Audit_page_lists_filters_and_links_events()
    {
        var site = await PageSite.CreateAsync(Server, "Page <orders>");
        var (deploy, _) = await site.DeployAsync("first", ("dags/shop.py", "one\n"));
        using var visitor = await Visitor.SignedInAsync(Server);
        Assert.Contains("href=\"/audit-log\"", await visitor.ReadAsync("/deployments"), StringComparison.Ordinal);
        var page = await visitor.ReadAsync("/audit-log");
        foreach (var text in (string[])["Deploy finalized", "Signed in",
            $"href=\"{site.Page}/deploys/{deploy}\">Page &lt;orders&gt; #1</a>", "title=\"20"])
            Assert.Contains(text, page, StringComparison.Ordinal);
        foreach (var (query, count) in ((string, int)[])[($"?deploymentId={site.Id}", 3), ($"?deploymentId={site.Id}&type=deploy", 2),
            ($"?deploymentId={site.Id}&text=orders&actor=owner", 3),
            ($"?deploymentId={site.Id}&from=2020-01-01&to=2020-01-02", 0), ($"?deploymentId={site.Id}&to=2999-01-01", 3),
            ("?to=9999-12-31&type=nothing.like_it", 0)])
        {
            var found = await visitor.ReadAsync("/audit-log" + query);
            Assert.True(count == Regex.Count(found, "<th scope=\"row\">"), $"{query}: {found}");
            Assert.Equal(count == 0, found.Contains("No matching events", StringComparison.Ordinal));
        }
        using var wrong = await visitor.GetAsync("/audit-log?from=x");
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
    }

    [Fact]
    public async Task Audit_page_has_pages_and_requires_the_permission()
    {
        await using var server = await UpdraftServer.StartAsync();
        for (var i = 0; i < 55; i++)
            await server.CreateWorkspaceAsync($"number {i}");
        using var visitor = await Visitor.SignedInAsync(server);
        var first = await visitor.ReadAsync("/audit-log?type=workspace");
        Assert.Equal((50, true, false),
            (Regex.Count(first, "<th scope=\"row\">"), first.Contains("offset=50", StringComparison.Ordinal),
            first.Contains(">Newer<", StringComparison.Ordinal)));
        var second = await visitor.ReadAsync("/audit-log?type=workspace&offset=50");
        Assert.Equal((6, true, false),
            (Regex.Count(second, "<th scope=\"row\">"), second.Contains(">Newer<", StringComparison.Ordinal),
            second.Contains(">Older<", StringComparison.Ordinal)));

        using var member = await Visitor.SignedInAsync(server,
            await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", server.WorkspaceId));
        Assert.DoesNotContain("href=\"/audit-log\"", await member.ReadAsync("/deployments"), StringComparison.Ordinal);
        using var rejected = await member.GetAsync("/audit-log");
        Assert.Equal(HttpStatusCode.Forbidden, rejected.StatusCode);
    }

    [Fact]
    public async Task Deployment_page_shows_agents_per_version()
    {
        var site = await PageSite.CreateAsync(Server);
        using var visitor = await Visitor.SignedInAsync(Server);
        await site.DeployAsync("first", ("dags/shop.py", "one\n"));
        Assert.DoesNotContain("Agents by version", await visitor.ReadAsync(site.Page), StringComparison.Ordinal);
        var (slow, fast) = (await DeployAgent.EnrollAsync(Server, site.Id), await DeployAgent.EnrollAsync(Server, site.Id));
        await slow.ReportActiveAsync();
        await fast.ReportActiveAsync();
        var page = await visitor.ReadAsync(site.Page);
        Assert.Matches("<figcaption>Agents by version in the last [^<]+, at most 2 agents</figcaption>", page);
        Assert.Matches(@"now: 2 agents at revision 1 \(20", page);
        await site.DeployAsync("second", ("dags/shop.py", "two\n"));
        await fast.ReportActiveAsync();
        page = await visitor.ReadAsync(site.Page);
        Assert.Matches(@"now: 1 agent at revision 2 \(20", page);
        Assert.Matches(@"now: 1 agent at revision 1 \(20", page);
        Assert.Matches(@"aria-label=""Agents by version over time: [^""]*1 agent at revision 2 \([^""]*\), 1 agent at revision 1", page);
        Assert.DoesNotContain(" style=", page, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Sessions_with_a_token_are_in_the_audit_log()
    {
        using var visitor = await Visitor.SignedInAsync(Server,
            await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OWNER", Server.WorkspaceId));
        using var left = await visitor.SendFormAsync("/deployments", "/signout");
        var log = await Server.ReadLogAsync("type=session&actor=test WORKSPACE_OWNER");
        Assert.Equal(["session.ended", "session.started"], log.Select(row => row.Text("type")));
        Assert.Equal("API token", log[1]["details"]!["means"]!.GetValue<string>());
        using var outsider = new Visitor(Server);
        var before = await Server.CountLogAsync();
        using var rejected = await outsider.SignInAsync("no token");
        Assert.Equal((HttpStatusCode.BadRequest, before), (rejected.StatusCode, await Server.CountLogAsync()));
        Assert.DoesNotContain(Server.OwnerToken, new JsonArray([.. (await Server.ReadLogAsync()).Select(row => row.DeepClone())])
            .ToJsonString(), StringComparison.Ordinal);
    }
}
