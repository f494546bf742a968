using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>Management of webhooks in the API and in the web UI.</summary>
public sealed class WebhookTests(WebhookServer shared) : IClassFixture<WebhookServer>
{
    private const string Url = "https://hooks.example.org/updraft";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Webhook_changes_are_recorded_in_the_audit_log()
    {
        var site = await WebhookSite.CreateAsync(Server);
        var id = (await site.AddAsync(Url, ["deploy.failed"], "SLACK")).Text("id");
        var listed = Assert.Single((await Server.Client.GetOkAsync($"{site.Path}?workspaceId={site.WorkspaceId}"))["webhooks"]!.AsArray())!.AsObject();
        Assert.Equal((id, Url, "SLACK", "deploy.failed"),
            (listed.Text("id"), listed.Text("url"), listed.Text("format"), listed["eventTypes"]![0]!.ToString()));
        Assert.Null(listed["secret"]);
        var changed = await Server.Client.PostOkAsync($"{site.Path}/{id}",
            new JsonObject { ["name"] = "other", ["url"] = Url + "/2", ["isEnabled"] = false });
        Assert.Equal(("other", Url + "/2", "STANDARD", 5, false),
            (changed.Text("name"), changed.Text("url"), changed.Text("format"), changed["eventTypes"]!.AsArray().Count,
            changed["isEnabled"]!.GetValue<bool>()));
        await Server.Client.PostErrorAsync($"{site.Path}/{id}/test", "{}", HttpStatusCode.BadRequest);
        await site.DoAsync($"{id}/rotate");
        using (var deleted = await Server.Client.DeleteAsync($"{site.Path}/{id}", Cancelled))
            Assert.Equal(HttpStatusCode.NoContent, deleted.StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(Server.Client, $"{site.Path}/{id}"));
        Assert.Equal(["webhook.created", "webhook.updated", "webhook.rotated", "webhook.deleted"], await RecordedAsync(id));
    }

    [Theory]
    [InlineData("""{"name":""}""", "name")]
    [InlineData("""{"format":"XML"}""", "format")]
    [InlineData("""{"eventTypes":[]}""", "eventTypes")]
    [InlineData("""{"eventTypes":["deploy.finalized","webhook.test"]}""", "eventTypes")]
    [InlineData("""{"eventTypes":[null]}""", "eventTypes")]
    [InlineData("""{"workspaceId":null}""", "workspaceId")]
    public async Task Invalid_field_is_rejected_with_its_name(string change, string field)
    {
        var site = await WebhookSite.CreateAsync(Server);
        var order = site.Order(Url);
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            order[name] = value?.DeepClone();
        Assert.Contains($"'{field}'", await Server.Client.PostErrorAsync(site.Path, order.ToJsonString(), HttpStatusCode.BadRequest),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Workspace_has_at_most_20_webhooks()
    {
        var site = await WebhookSite.CreateAsync(Server);
        for (var i = 0; i < 20; i++)
            await site.AddAsync(Url);
        Assert.Contains("20", await Server.Client.PostErrorAsync(site.Path, site.Order(Url).ToJsonString(), HttpStatusCode.BadRequest),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deployment_admin_sees_only_webhooks_of_their_Deployment()
    {
        var site = await WebhookSite.CreateAsync(Server);
        var ofWorkspace = (await site.AddAsync(Url)).Text("id");
        var admin = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", site.DeploymentId));
        var own = (await site.AddAsync(Url, deployment: site.DeploymentId, client: admin)).Text("id");
        Assert.Equal(own, Assert.Single((await admin.GetOkAsync(site.Path))["webhooks"]!.AsArray())!["id"]!.ToString());
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(admin, $"{site.Path}/{ofWorkspace}"));
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(admin, $"{site.Path}/{ofWorkspace}/deliveries"));
        foreach (var action in (string[])["", "/rotate", "/test"])
            await admin.PostErrorAsync($"{site.Path}/{ofWorkspace}{action}",
                new JsonObject { ["name"] = "x", ["url"] = Url }.ToJsonString(), HttpStatusCode.NotFound);
        await admin.PostErrorAsync(site.Path, site.Order(Url).ToJsonString(), HttpStatusCode.Forbidden);
        var other = await Server.CreateDeploymentAsync("other", site.WorkspaceId);
        await admin.PostErrorAsync(site.Path, site.Order(Url, deployment: other).ToJsonString(), HttpStatusCode.NotFound);
        var operatorElsewhere = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_OPERATOR", Server.WorkspaceId));
        await operatorElsewhere.PostErrorAsync(site.Path, site.Order(Url).ToJsonString(), HttpStatusCode.NotFound);
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(operatorElsewhere, $"{site.Path}/{own}"));
        var member = Server.ClientWith(await Server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", site.WorkspaceId));
        Assert.Equal(HttpStatusCode.Forbidden, await WebhookSite.StatusAsync(member, site.Path));
    }

    [Fact]
    public async Task Response_410_disables_the_webhook_until_it_is_enabled_again()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Respond = (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status410Gone;
            return Task.CompletedTask;
        };
        var site = await WebhookSite.CreateAsync(Server);
        var id = (await site.AddAsync(receiver.Url)).Text("id");
        await site.DoAsync($"{id}/test");
        await site.WaitAsync(id, "FAILED");
        var off = await Server.Client.GetOkAsync($"{site.Path}/{id}");
        Assert.False(off["isEnabled"]!.GetValue<bool>());
        Assert.Contains("410", off.Text("disabledReason"), StringComparison.Ordinal);
        Assert.Contains("webhook.disabled", await RecordedAsync(id));
        await site.Deploys.DeployAsync("unheard", ("dags/shop.py", "one\n"));
        receiver.Respond = null;
        var on = await Server.Client.PostOkAsync($"{site.Path}/{id}", new JsonObject { ["name"] = "on", ["url"] = receiver.Url });
        Assert.Null(on["disabledReason"]);
        Assert.Null(on["failingSince"]);
        await site.DoAsync($"{id}/test");
        await site.WaitAsync(id, "DELIVERED");
        Assert.Equal(2, receiver.Received.Count);
    }

    [Fact]
    public async Task Webhook_that_fails_for_days_is_disabled()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Respond = (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return Task.CompletedTask;
        };
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(WebhookSite.Settings,
            StringComparer.Ordinal) { ["Webhooks:DisableAfter"] = "00:00:00.010" });
        var site = await WebhookSite.CreateAsync(server);
        var id = (await site.AddAsync(receiver.Url)).Text("id");
        await site.DoAsync($"{id}/test");
        await Poll.UntilAsync(async () => (await server.Client.GetOkAsync($"{site.Path}/{id}"))["disabledReason"] is not null);
        await site.WaitAsync(id, "FAILED");
    }

    [Fact]
    public async Task Web_UI_creates_shows_repeats_and_deletes_webhooks()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        using var visitor = await Visitor.SignedInAsync(Server);
        Assert.Contains("href=\"/webhooks\"", await visitor.ReadAsync("/deployments"), StringComparison.Ordinal);
        string page;
        using (var created = await visitor.SendFormAsync("/webhooks", "/webhooks", ("name", "the <b>channel</b>"),
            ("place", site.WorkspaceId), ("url", receiver.Url + "/token"),
            ("format", "STANDARD"), ("events", "deploy.created"), ("events", "deploy.finalized")))
        {
            page = await created.Content.ReadAsStringAsync(Cancelled);
            Assert.True(created.StatusCode == HttpStatusCode.OK, page);
        }
        Assert.Contains("whsec_", page, StringComparison.Ordinal);
        Assert.Contains("No deliveries yet", page, StringComparison.Ordinal);
        Assert.Contains("the &lt;b&gt;channel&lt;/b&gt;", page, StringComparison.Ordinal);
        var id = (await Server.Client.GetOkAsync($"{site.Path}?workspaceId={site.WorkspaceId}"))["webhooks"]![0]!["id"]!.ToString();
        var url = $"/webhooks/{id}";
        Assert.DoesNotContain("whsec_", await visitor.ReadAsync(url), StringComparison.Ordinal);
        Assert.DoesNotContain("/hook/token", await visitor.ReadAsync("/webhooks"), StringComparison.Ordinal);
        await SendAsync(visitor, url, url + "/test");
        await site.WaitAsync(id, "DELIVERED");
        var log = await visitor.ReadAsync(url);
        Assert.Contains("Response 204", log, StringComparison.Ordinal);
        var delivery = (await site.DeliveriesAsync(id))[0].Text("id");
        await SendAsync(visitor, url, $"{url}/deliveries/{delivery}/redeliver");
        Assert.Equal(2, (await receiver.WaitAsync(2)).Count);
        await SendAsync(visitor, url, url, ("name", "renamed"), ("url", receiver.Url), ("format", "SLACK"), ("events", "deploy.failed"));
        Assert.Contains("<h1>renamed</h1>", await visitor.ReadAsync(url), StringComparison.Ordinal);
        Assert.False((await Server.Client.GetOkAsync($"{site.Path}/{id}"))["isEnabled"]!.GetValue<bool>());
        using (var rotated = await visitor.SendFormAsync(url, url + "/rotate"))
            Assert.Contains("whsec_", await rotated.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        await SendAsync(visitor, url, url + "/delete");
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(Server.Client, $"{site.Path}/{id}"));
    }

    private static async Task SendAsync(Visitor visitor, string page, string action, params (string Name, string Value)[] fields)
    {
        using var response = await visitor.SendFormAsync(page, action, fields);
        Assert.True(response.StatusCode == HttpStatusCode.Redirect, await response.Content.ReadAsStringAsync(Cancelled));
    }

    private async Task<List<string>> RecordedAsync(string webhook)
    {
        await using var scope = Server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        return await db.Set<Event>().Where(row => row.TargetId == webhook).OrderBy(row => row.At).Select(row => row.Type)
            .ToListAsync(Cancelled);
    }
}
