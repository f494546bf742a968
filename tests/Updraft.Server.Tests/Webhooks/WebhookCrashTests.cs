using System.Diagnostics;
using System.Net;

namespace Updraft.Server.Tests.Webhooks;

/// <summary>A server that is killed loses no event.</summary>
[Trait("Runs", "ci")] // Kills server processes, and waits for repeated deliveries.
public sealed class WebhookCrashTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("catalog", "C9")]
    public async Task Delivery_in_progress_at_a_kill_is_repeated_with_the_same_ID()
    {
        await using var receiver = await WebhookReceiver.StartAsync();
        await using var server = await UpdraftServer.StartAsync(settings: new Dictionary<string, string>(WebhookSite.Settings,
            StringComparer.Ordinal)
        {
            ["Webhooks:Timeout"] = "00:00:03",
            ["Webhooks:RetryFor"] = "00:10:00",
        });
        var site = await WebhookSite.CreateAsync(server);
        var webhook = (await site.AddAsync(receiver.Url, ["deploy.finalized"])).Text("id");
        await server.StopAsync();
        receiver.Respond = (context, number) => number == 1 ? Task.Delay(Timeout.Infinite, context.RequestAborted) : Task.CompletedTask;
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
    [Trait("catalog", "C9")]
    public async Task Pending_events_at_a_kill_are_delivered_after_the_restart()
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
            // Directly after the response of the finalize, at any point of the dispatcher's work.
            program.Kill();
            await program.WaitForExitAsync(Cancelled);
        }
        await server.RestartAsync();
        await Poll.UntilAsync(() => Task.FromResult(receiver.Received.Select(one => one.Id).Distinct(StringComparer.Ordinal).Count() == 2));
        Assert.Equal(["deploy.created", "deploy.finalized"], receiver.Received.Select(one => one.Type).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal));
    }

    /// <summary>The same server in its own process, which the test can kill.</summary>
    private static Process Start(UpdraftServer server) =>
        Process.Start(new ProcessStartInfo(Path.Join(AppContext.BaseDirectory, "Updraft.Server"),
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
