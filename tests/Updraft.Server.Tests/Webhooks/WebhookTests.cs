using System.Net;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Tests.Support;
using Updraft.Server.Tests.Web;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>Who manages webhooks and how, over the API and on the pages.</summary>
public sealed class WebhookTests(WebhookServer shared) : IClassFixture<WebhookServer>
{
    private const string Url = "https://hooks.example.org/updraft";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_webhook_is_listed_changed_and_deleted_and_each_change_is_recorded()
    {
        var site = await WebhookSite.CreateAsync(Server);
        var id = (await site.AddAsync(Url, ["deploy.failed"], "SLACK")).Text("id");
        var listed = Assert.Single((await Server.Client.GetOkAsync($"{site.Path}?workspaceId={site.WorkspaceId}"))["webhooks"]!.AsArray())!.AsObject();
        Assert.Equal((id, Url, "SLACK", "deploy.failed"), (listed.Text("id"), listed.Text("url"), listed.Text("format"), listed["eventTypes"]![0]!.ToString()));
        Assert.Null(listed["secret"]);
        var changed = await Server.Client.PostOkAsync($"{site.Path}/{id}", new JsonObject { ["name"] = "other", ["url"] = Url + "/2", ["isEnabled"] = false });
        Assert.Equal(("other", Url + "/2", "STANDARD", 5, false), (changed.Text("name"), changed.Text("url"), changed.Text("format"), changed["eventTypes"]!.AsArray().Count,
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
    public async Task A_bad_field_is_refused_by_its_name(string change, string field)
    {
        var site = await WebhookSite.CreateAsync(Server);
        var order = site.Order(Url);
        foreach (var (name, value) in JsonNode.Parse(change)!.AsObject())
            order[name] = value?.DeepClone();
        Assert.Contains($"'{field}'", await Server.Client.PostErrorAsync(site.Path, order.ToJsonString(), HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_Workspace_has_20_webhooks_at_most()
    {
        var site = await WebhookSite.CreateAsync(Server);
        for (var i = 0; i < 20; i++)
            await site.AddAsync(Url);
        Assert.Contains("20", await Server.Client.PostErrorAsync(site.Path, site.Order(Url).ToJsonString(), HttpStatusCode.BadRequest), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Who_manages_one_Deployment_manages_its_webhooks_and_sees_no_others()
    {
        var site = await WebhookSite.CreateAsync(Server);
        var ofWorkspace = (await site.AddAsync(Url)).Text("id");
        var admin = Server.ClientWith(await Server.CreateTokenAsync("DEPLOYMENT", "DEPLOYMENT_ADMIN", site.DeploymentId));
        var own = (await site.AddAsync(Url, deployment: site.DeploymentId, client: admin)).Text("id");
        Assert.Equal(own, Assert.Single((await admin.GetOkAsync(site.Path))["webhooks"]!.AsArray())!["id"]!.ToString());
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(admin, $"{site.Path}/{ofWorkspace}"));
        Assert.Equal(HttpStatusCode.NotFound, await WebhookSite.StatusAsync(admin, $"{site.Path}/{ofWorkspace}/deliveries"));
        foreach (var action in (string[])["", "/rotate", "/test"])
            await admin.PostErrorAsync($"{site.Path}/{ofWorkspace}{action}", new JsonObject { ["name"] = "x", ["url"] = Url }.ToJsonString(), HttpStatusCode.NotFound);
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
    public async Task A_receiver_that_is_gone_switches_the_webhook_off_and_switching_it_on_again_clears_that()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (context, _) =>
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
        receiver.Answer = null;
        var on = await Server.Client.PostOkAsync($"{site.Path}/{id}", new JsonObject { ["name"] = "on", ["url"] = receiver.Url });
        Assert.Null(on["disabledReason"]);
        Assert.Null(on["failingSince"]);
        await site.DoAsync($"{id}/test");
        await site.WaitAsync(id, "DELIVERED");
        Assert.Equal(2, receiver.Received.Count);
    }

    [Fact]
    public async Task A_webhook_that_nothing_reaches_for_days_is_switched_off()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Answer = (context, _) =>
        {
            context.Response.StatusCode = StatusCodes.Status500InternalServerError;
            return Task.CompletedTask;
        };
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(WebhookSite.Settings, StringComparer.Ordinal) { ["Webhooks:DisableAfter"] = "00:00:00.010" });
        var site = await WebhookSite.CreateAsync(server);
        var id = (await site.AddAsync(receiver.Url)).Text("id");
        await site.DoAsync($"{id}/test");
        await Poll.UntilAsync(async () => (await server.Client.GetOkAsync($"{site.Path}/{id}"))["disabledReason"] is not null);
        await site.WaitAsync(id, "FAILED");
    }

    [Fact]
    public async Task The_pages_create_show_send_again_and_delete()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        using var visitor = await Visitor.SignedInAsync(Server);
        Assert.Contains("href=\"/webhooks\"", await visitor.ReadAsync("/deployments"), StringComparison.Ordinal);
        string page;
        using (var created = await visitor.SendFormAsync("/webhooks", "/webhooks", ("name", "the <b>channel</b>"), ("place", site.WorkspaceId), ("url", receiver.Url + "/token"),
            ("format", "STANDARD"), ("events", "deploy.created"), ("events", "deploy.finalized")))
        {
            page = await created.Content.ReadAsStringAsync(Cancelled);
            Assert.True(created.StatusCode == HttpStatusCode.OK, page);
        }
        Assert.Contains("whsec_", page, StringComparison.Ordinal);
        Assert.Contains("No deliveries yet", page, StringComparison.Ordinal);
        Assert.Contains("the &lt;b&gt;channel&lt;/b&gt;", page, StringComparison.Ordinal);
        var id = (await Server.Client.GetOkAsync($"{site.Path}?workspaceId={site.WorkspaceId}"))["webhooks"]![0]!["id"]!.ToString();
        var address = $"/webhooks/{id}";
        Assert.DoesNotContain("whsec_", await visitor.ReadAsync(address), StringComparison.Ordinal);
        Assert.DoesNotContain("/hook/token", await visitor.ReadAsync("/webhooks"), StringComparison.Ordinal);
        await SendAsync(visitor, address, address + "/test");
        await site.WaitAsync(id, "DELIVERED");
        var log = await visitor.ReadAsync(address);
        Assert.Contains("Response 204", log, StringComparison.Ordinal);
        var delivery = (await site.DeliveriesAsync(id))[0].Text("id");
        await SendAsync(visitor, address, $"{address}/deliveries/{delivery}/redeliver");
        Assert.Equal(2, (await receiver.WaitAsync(2)).Count);
        await SendAsync(visitor, address, address, ("name", "renamed"), ("url", receiver.Url), ("format", "SLACK"), ("events", "deploy.failed"));
        Assert.Contains("<h1>renamed</h1>", await visitor.ReadAsync(address), StringComparison.Ordinal);
        Assert.False((await Server.Client.GetOkAsync($"{site.Path}/{id}"))["isEnabled"]!.GetValue<bool>());
        using (var rotated = await visitor.SendFormAsync(address, address + "/rotate"))
            Assert.Contains("whsec_", await rotated.Content.ReadAsStringAsync(Cancelled), StringComparison.Ordinal);
        await SendAsync(visitor, address, address + "/delete");
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
        return await db.Set<Event>().Where(row => row.TargetId == webhook).OrderBy(row => row.At).Select(row => row.Type).ToListAsync(Cancelled);
    }
}
