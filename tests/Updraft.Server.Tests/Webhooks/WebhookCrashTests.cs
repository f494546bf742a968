using System.Diagnostics;
using System.Net;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>A server that is killed loses no event: row C9.</summary>
public sealed class WebhookCrashTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task C9_an_event_that_was_under_way_when_the_server_was_killed_arrives_after_its_restart_under_the_same_id()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(WebhookSite.Settings, StringComparer.Ordinal)
        {
            ["Webhooks:Timeout"] = "00:00:03",
            ["Webhooks:RetryFor"] = "00:10:00",
        });
        var site = await WebhookSite.CreateAsync(server);
        var webhook = (await site.AddAsync(receiver.Url, ["deploy.finalized"])).Text("id");
        await server.StopAsync();
        receiver.Answer = (context, number) => number == 1 ? Task.Delay(Timeout.Infinite, context.RequestAborted) : Task.CompletedTask;
        using (var program = Start(server))
        {
            try
            {
                await ReadyAsync(server);
                await site.Deploys.DeployAsync("killed", ("dags/shop.py", "one\n"));
                await receiver.WaitAsync(1);
            }
            finally
            {
                program.Kill();
                await program.WaitForExitAsync(Cancelled);
            }
        }
        await server.RestartAsync();
        var delivery = await site.WaitAsync(webhook, "DELIVERED");
        Assert.Equal([delivery.Text("eventId"), delivery.Text("eventId")], receiver.Received.Select(one => one.Id));
        Assert.Equal(receiver.Received[0].Body, receiver.Received[1].Body);
    }

    [Fact]
    public async Task C9_events_that_a_killed_server_had_not_looked_at_are_taken_up_after_its_restart()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var server = await UpdraftServer.StartAsync(settings: WebhookSite.Settings);
        var site = await WebhookSite.CreateAsync(server);
        await site.AddAsync(receiver.Url);
        await server.StopAsync();
        using (var program = Start(server))
        {
            await ReadyAsync(server);
            await site.Deploys.DeployAsync("killed", ("dags/shop.py", "one\n"));
            // With the answer of the finalize, whatever the dispatcher has done by now.
            program.Kill();
            await program.WaitForExitAsync(Cancelled);
        }
        await server.RestartAsync();
        await Poll.UntilAsync(() => Task.FromResult(receiver.Received.Select(one => one.Id).Distinct(StringComparer.Ordinal).Count() == 2));
        Assert.Equal(["deploy.created", "deploy.finalized"], receiver.Received.Select(one => one.Type).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    /// <summary>The same server as a process of its own, which can be killed.</summary>
    private static Process Start(UpdraftServer server) => Process.Start(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "Updraft.Server"),
        server.Settings.Select(setting => $"--{setting.Key}={setting.Value}"))
    { UseShellExecute = false, RedirectStandardOutput = false })!;

    private static Task ReadyAsync(UpdraftServer server) => Poll.UntilAsync(async () =>
    {
        try
        {
            using var response = await server.Anonymous.GetAsync("/healthz/ready", Cancelled);
            return response.StatusCode == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    });
}
