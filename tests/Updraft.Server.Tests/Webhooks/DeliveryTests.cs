using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Updraft.Protocol;
using Updraft.Server.Tests.Rollouts;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>A server whose webhooks may reach this host.</summary>
public sealed class WebhookServer : SharedServer
{
    private protected override IReadOnlyDictionary<string, string>? Settings => WebhookSite.Settings;
}

/// <summary>The content and number of requests that a receiver gets.</summary>
public sealed class DeliveryTests(WebhookServer shared) : IClassFixture<WebhookServer>
{
    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Deliveries_have_signatures_that_another_program_verifies()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        var secret = (await site.AddAsync(receiver.Url)).Text("secret");
        Assert.InRange(Convert.FromBase64String(secret["whsec_".Length..]).Length, 24, 64);
        var git = new JsonObject { ["provider"] = "GITHUB", ["account"] = "shop", ["repo"] = "dags", ["commitSha"] = "0123456789abcdef",
            ["branch"] = "grün" };
        var (deploy, version) = await site.Deploys.DeployAsync("Totals by <region> & ünï", git, ("dags/shop.py", "one\n"));
        var received = await receiver.WaitAsync(2);
        Assert.Equal(["deploy.created", "deploy.finalized"], received.Select(one => one.Type).Order(StringComparer.Ordinal));
        Assert.Equal(2, received.Select(one => one.Id).Distinct(StringComparer.Ordinal).Count());
        foreach (var one in received)
        {
            Assert.Equal("POST /hook", one.Request);
            Assert.Equal("application/json; charset=utf-8", one.Headers["Content-Type"]);
            Assert.True(await SignatureCheck.IsGoodAsync(secret, one));
            Assert.False(await SignatureCheck.IsGoodAsync(secret, one, [.. one.Body, (byte)' ']));
            Assert.False(await SignatureCheck.IsGoodAsync("whsec_" + Convert.ToBase64String(new byte[32]), one));
        }
        var finalized = received.Single(one => one.Type == "deploy.finalized").Json;
        var data = finalized["data"]!.AsObject();
        Assert.EndsWith("Z", finalized.Text("timestamp"), StringComparison.Ordinal);
        Assert.Equal((deploy, "DEPLOYED", "Totals by <region> & ünï"),
            (data["deploy"]!.AsObject().Text("id"), data["deploy"]!.AsObject().Text("status"), data["deploy"]!.AsObject()
            .Text("description")));
        Assert.Equal((site.DeploymentId, "orders <&>"),
            (data["deployment"]!.AsObject().Text("id"), data["deployment"]!.AsObject().Text("name")));
        Assert.Equal((site.WorkspaceId, Server.OrganizationId),
            (data["workspace"]!.AsObject().Text("id"), data["organization"]!.AsObject().Text("id")));
        Assert.Equal(("dags", version), (data["versions"]![0]!.AsObject().Text("path"), data["versions"]![0]!.AsObject().Text("version")));
        Assert.Equal("0123456789abcdef", data["git"]!.AsObject().Text("commitSha"));
        Assert.Equal($"{Server.BaseAddress}deployments/{site.DeploymentId}/deploys/{deploy}", data["links"]!.AsObject().Text("deploy"));
        Assert.NotNull(data["by"]!["apiTokenName"]);
        var created = received.Single(one => one.Type == "deploy.created").Json["data"]!;
        Assert.Equal("INITIALIZED", created["deploy"]!.AsObject().Text("status"));
        Assert.Null(created["versions"]);
    }

    [Fact]
    [Trait("catalog", "I11")]
    public async Task Failed_delivery_is_repeated_with_the_same_ID_until_success()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Respond = (context, number) => number switch
        {
            1 => Fail(context, StatusCodes.Status500InternalServerError),
            2 => Close(context),
            3 => Task.Delay(Timeout.Infinite, context.RequestAborted),
            4 => Fail(context, StatusCodes.Status302Found),
            _ => Task.CompletedTask,
        };
        var site = await WebhookSite.CreateAsync(Server);
        var webhook = await site.AddAsync(receiver.Url, ["deploy.finalized"]);
        await site.Deploys.DeployAsync("stubborn", ("dags/shop.py", "one\n"));
        var delivery = await site.WaitAsync(webhook.Text("id"), "DELIVERED");
        var received = receiver.Received;
        Assert.Equal(5, received.Count);
        Assert.Single(received.Select(one => one.Id).Distinct(StringComparer.Ordinal));
        Assert.Single(received.Select(one => Convert.ToBase64String(one.Body)).Distinct(StringComparer.Ordinal));
        Assert.Equal(delivery.Text("eventId"), received[0].Id);
        Assert.Equal(["500", "CONNECTION", "TIMEOUT", "302", "204"],
            delivery["attempts"]!.AsArray().Select(attempt => attempt!["statusCode"]?.ToString() ?? attempt["error"]!.ToString()));
        Assert.True(await SignatureCheck.IsGoodAsync(webhook.Text("secret"), received[4]));
        Assert.Null((await Server.Client.GetOkAsync($"{site.Path}/{webhook.Text("id")}"))["failingSince"]);
    }

    [Fact]
    public async Task Failed_delivery_can_be_repeated_manually_with_the_same_ID()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        receiver.Respond = (context, _) => Fail(context, StatusCodes.Status503ServiceUnavailable);
        var site = await WebhookSite.CreateAsync(Server);
        var webhook = (await site.AddAsync(receiver.Url, ["deploy.created"])).Text("id");
        await site.Deploys.DeployAsync("repeated", ("dags/shop.py", "one\n"));
        var delivery = await site.WaitAsync(webhook, "FAILED");
        Assert.Equal(5, delivery["attempts"]!.AsArray().Count);
        Assert.Null(delivery["nextAttemptAt"]);
        Assert.NotNull((await Server.Client.GetOkAsync($"{site.Path}/{webhook}"))["failingSince"]);
        receiver.Respond = null;
        Assert.Equal("PENDING", (await site.DoAsync($"{webhook}/deliveries/{delivery.Text("id")}/redeliver")).Text("status"));
        delivery = await site.WaitAsync(webhook, "DELIVERED");
        Assert.Equal(6, delivery["attempts"]!.AsArray().Count);
        Assert.Single(receiver.Received.Select(one => one.Id).Distinct(StringComparer.Ordinal));
        Assert.Single(await site.DeliveriesAsync(webhook));
    }

    [Fact]
    public async Task Both_secrets_sign_for_a_day_after_a_rotation()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        var webhook = await site.AddAsync(receiver.Url);
        var rotated = await site.DoAsync($"{webhook.Text("id")}/rotate");
        Assert.NotEqual(webhook.Text("secret"), rotated.Text("secret"));
        Assert.NotNull(rotated["previousSecretEndsAt"]);
        Assert.Equal("webhook.test", (await site.DoAsync($"{webhook.Text("id")}/test")).Text("eventType"));
        var received = Assert.Single(await receiver.WaitAsync(1));
        Assert.Equal(2, received.Headers["webhook-signature"].Split(' ').Length);
        Assert.True(await SignatureCheck.IsGoodAsync(webhook.Text("secret"), received));
        Assert.True(await SignatureCheck.IsGoodAsync(rotated.Text("secret"), received));
        Assert.Equal("webhook.test", received.Type);
    }

    [Fact]
    public async Task Active_event_is_sent_once_after_the_last_live_agent()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var agents = await AgentSite.CreateAsync(Server);
        var url = new JsonObject
        {
            ["name"] = "active",
            ["workspaceId"] = Server.WorkspaceId,
            ["deploymentId"] = agents.DeploymentId,
            ["url"] = receiver.Url,
            ["eventTypes"] = new JsonArray("deploy.active", "deploy.rolled_back")
        };
        await Server.Client.PostOkAsync(WebhookSite.PathOf(Server), url);
        var (one, two) = (await agents.EnrollAsync("one"), await agents.EnrollAsync("two"));
        var deploys = new PageSite(Server, agents.DeploymentId);
        var (deploy, version) = await deploys.DeployAsync("first", ("dags/shop.py", "one\n"));
        await one.ConvergeAsync(1, version);
        await two.ReportAsync(AgentPhase.Prepared, 1, 0);
        Assert.Empty(await ActiveEventsAsync(agents.DeploymentId));
        await two.ReportAsync(AgentPhase.Active, 1, 1, version);
        await two.ReportAsync(AgentPhase.Active, 1, 1, version);
        await one.ReportAsync(AgentPhase.Active, 1, 1, version);
        var received = Assert.Single(await receiver.WaitAsync(1));
        Assert.Equal(("deploy.active", deploy), (received.Type, received.Json["data"]!["deploy"]!.AsObject().Text("id")));
        Assert.Equal(1, received.Json["data"]!["deploy"]!["revision"]!.GetValue<int>());
        Assert.Single(await ActiveEventsAsync(agents.DeploymentId));
        await deploys.DeployAsync("second", ("dags/shop.py", "two\n"));
        await Server.Client.PostOkAsync($"{Server.OrganizationPath}/deployments/{agents.DeploymentId}/deploys/{deploy}/rollback",
            new JsonObject());
        await one.ConvergeAsync(3, version);
        await two.ConvergeAsync(3, version);
        var all = await receiver.WaitAsync(3);
        Assert.Equal(["deploy.active", "deploy.active", "deploy.rolled_back"], all.Select(other => other.Type)
            .Order(StringComparer.Ordinal));
        var back = all.Single(other => other.Type == "deploy.rolled_back").Json["data"]!["deploy"]!.AsObject();
        Assert.Equal((deploy, "DEPLOYED"), (back.Text("rollbackFromId"), back.Text("status")));
    }

    [Fact]
    public async Task Slow_receiver_delays_no_deploy_and_no_other_receiver()
    {
        await using var slow = await WebhookReceiver.StartAsync();
        await using var quick = await WebhookReceiver.StartAsync();
        slow.Respond = (context, _) => Task.Delay(Timeout.Infinite, context.RequestAborted);
        var site = await WebhookSite.CreateAsync(Server);
        await site.AddAsync(slow.Url);
        await site.AddAsync(quick.Url);
        for (var i = 0; i < 10; i++)
            await site.Deploys.DeployAsync($"deploy {i}", ("dags/shop.py", $"{i}\n"));
        Assert.Equal(20, (await quick.WaitAsync(20)).Select(one => one.Id).Distinct(StringComparer.Ordinal).Count());
    }

    [Fact]
    public async Task Webhook_gets_only_its_event_types_and_Deployment()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        var other = await Server.CreateDeploymentAsync("other", site.WorkspaceId);
        var webhook = (await site.AddAsync(receiver.Url, ["deploy.finalized"], deployment: site.DeploymentId)).Text("id");
        await new PageSite(Server, other).DeployAsync("elsewhere", ("dags/shop.py", "one\n"));
        await site.Deploys.DeployAsync("here", ("dags/shop.py", "one\n"));
        await site.WaitAsync(webhook, "DELIVERED");
        Assert.Equal(site.DeploymentId, Assert.Single(await site.DeliveriesAsync(webhook)).Text("deploymentId"));
    }

    [Fact]
    public async Task Slack_message_contains_no_markup_from_users()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        await site.AddAsync(receiver.Url, ["deploy.finalized"], "SLACK");
        await site.Deploys.DeployAsync("<!channel> <https://evil.example|click> & *bold* @here", ("dags/shop.py", "one\n"));
        var received = Assert.Single(await receiver.WaitAsync(1));
        var message = received.Json;
        Assert.Equal("Deploy finalized: orders &lt;&amp;&gt;", message.Text("text"));
        var texts = Texts(message["blocks"]!).ToList();
        Assert.Contains(("plain_text", "&lt;!channel&gt; &lt;https://evil.example|click&gt; &amp; *bold* @here"), texts);
        var link = Assert.Single(texts, text => text.Type == "mrkdwn");
        Assert.StartsWith($"<{Server.BaseAddress}deployments/", link.Text, StringComparison.Ordinal);
        Assert.All(texts.Where(text => text.Type != "mrkdwn"), text => Assert.DoesNotContain('<', text.Text));
        Assert.False(message.ContainsKey("type"));
    }

    [Fact]
    public async Task Secret_is_only_in_the_response_of_its_creation()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        var site = await WebhookSite.CreateAsync(Server);
        var webhook = await site.AddAsync(receiver.Url + "/T000/secret-path-of-slack");
        await site.Deploys.DeployAsync("secret", ("dags/shop.py", "one\n"));
        await receiver.WaitAsync(2);
        var secrets = new List<string> { webhook.Text("secret")["whsec_".Length..], (await site.DoAsync($"{webhook.Text("id")}/rotate"))
            .Text("secret")["whsec_".Length..] };
        var shown = (await Server.Client.GetOkAsync($"{site.Path}/{webhook.Text("id")}")).ToJsonString()
            + (await Server.Client.GetOkAsync(site.Path)).ToJsonString()
            + string.Concat((await site.DeliveriesAsync(webhook.Text("id"))).Select(row => row.ToJsonString()));
        foreach (var secret in secrets)
        {
            Assert.DoesNotContain(secret, shown, StringComparison.Ordinal);
            Assert.DoesNotContain(secret, Server.LogText, StringComparison.Ordinal);
        }
        Assert.DoesNotContain("secret-path-of-slack", Server.LogText, StringComparison.Ordinal);
        foreach (var file in Directory.EnumerateFiles(Server.DataDirectory, "*", SearchOption.AllDirectories)
            .Where(file => Path.GetFileName(file) != "lock"))
        {
            using var stream = new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
            using var bytes = new MemoryStream();
            await stream.CopyToAsync(bytes, Cancelled);
            var content = Encoding.Latin1.GetString(bytes.ToArray());
            Assert.All([.. secrets, "secret-path-of-slack"], secret => Assert.DoesNotContain(secret, content, StringComparison.Ordinal));
            foreach (var secret in secrets)
                Assert.DoesNotContain(Encoding.Latin1.GetString(Convert.FromBase64String(secret)), content, StringComparison.Ordinal);
        }
    }

    private async Task<List<JsonNode>> ActiveEventsAsync(string deployment)
    {
        await using var scope = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.CreateAsyncScope(Server.Services);
        var db = Microsoft.Extensions.DependencyInjection.ServiceProviderServiceExtensions.GetRequiredService<Updraft.Server.Database.UpdraftDbContext>(scope.ServiceProvider);
        var id = new DeploymentId(deployment);
        return [.. db.Set<Updraft.Server.Events.Event>().Where(row => row.DeploymentId == id && row.Type == "deploy.active")
            .Select(row => row.Id.Value).ToList()
            .Select(value => (JsonNode)JsonValue.Create(value))];
    }

    private static IEnumerable<(string Type, string Text)> Texts(JsonNode node) => node switch
    {
        JsonArray array => array.SelectMany(item => Texts(item!)),
        JsonObject item when item["text"] is JsonValue => [(item.Text("type"), item.Text("text"))],
        JsonObject item => item.Where(pair => pair.Value is JsonObject or JsonArray).SelectMany(pair => Texts(pair.Value!)),
        _ => [],
    };

    private static Task Fail(HttpContext context, int status)
    {
        context.Response.StatusCode = status;
        context.Response.Headers.Location = "http://127.0.0.1:1/";
        return Task.CompletedTask;
    }

    private static Task Close(HttpContext context)
    {
        context.Abort();
        return Task.CompletedTask;
    }
}
