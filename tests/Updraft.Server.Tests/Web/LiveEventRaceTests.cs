using Microsoft.Extensions.Time.Testing;
using Updraft.Server.Tests.Database;

namespace Updraft.Server.Tests.Web;

/// <summary>Server-sent events of open pages. The clock of the server stands still, so its check once a second does not run.</summary>
public sealed class LiveEventRaceTests
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Commit_between_read_and_wait_sends_an_event()
    {
        using var hook = new DatabaseHook();
        await using var server = await UpdraftServer.StartAsync(new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60)));
        var site = await PageSite.CreateAsync(server);
        using var visitor = await Visitor.SignedInAsync(server);
        var reading = hook.AfterReadAsync(server, sql => sql.Contains("last_version_ticks", StringComparison.Ordinal),
            () => site.DeployAsync("between", ("dags/shop.py", "one\n")));
        using var response = await OpenAsync(visitor, $"{site.Page}/events");
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync(Cancelled));

        Assert.Equal("0", await NextAsync(events));
        await reading;
        Assert.Equal("1", await NextAsync(events));
    }

    [Fact]
    public async Task Change_of_a_hidden_Deployment_sends_no_event()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(60));
        using var hook = new DatabaseHook();
        await using var server = await UpdraftServer.StartAsync(clock);
        var (own, other) = (await server.CreateWorkspaceAsync("own"), await server.CreateWorkspaceAsync("other"));
        var visible = new PageSite(server, await server.CreateDeploymentAsync("visible", own));
        var hidden = new PageSite(server, await server.CreateDeploymentAsync("hidden", other));
        using var visitor = await Visitor.SignedInAsync(server, await server.CreateTokenAsync("WORKSPACE", "WORKSPACE_MEMBER", own));
        using var response = await OpenAsync(visitor, "/deployments/events");
        using var events = new StreamReader(await response.Content.ReadAsStreamAsync(Cancelled));
        Assert.Equal("0", await NextAsync(events));

        await hidden.DeployAsync("unseen", ("dags/shop.py", "one\n"));
        await LookAsync();
        await visible.DeployAsync("seen", ("dags/shop.py", "one\n"));
        await LookAsync();
        await server.StopAsync();

        var numbers = new List<string>();
        while (await events.ReadLineAsync(Cancelled) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
                numbers.Add(line);
        }
        Assert.Single(numbers);

        // Moves the clock until the server has compared the Deployments twice, so that it has sent the event of the last change.
        async Task LookAsync()
        {
            for (var looks = 0; looks < 2; looks++)
            {
                var looking = hook.AfterReadAsync(server, sql => sql.Contains("sum(", StringComparison.OrdinalIgnoreCase)
                    && sql.Contains("deployments", StringComparison.Ordinal), () => Task.CompletedTask);
                await Poll.UntilAsync(() =>
                {
                    clock.Advance(TimeSpan.FromSeconds(1));
                    return Task.FromResult(looking.IsCompleted);
                });
            }
        }
    }

    private static async Task<HttpResponseMessage> OpenAsync(Visitor visitor, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", "text/event-stream");
        return await visitor.SendAsync(request);
    }

    private static async Task<string> NextAsync(StreamReader events)
    {
        while (await events.ReadLineAsync(Cancelled).AsTask().WaitAsync(TimeSpan.FromSeconds(60), Cancelled) is { } line)
        {
            if (line.StartsWith("data: ", StringComparison.Ordinal))
                return line["data: ".Length..];
        }
        throw new EndOfStreamException("The stream ended without an event.");
    }
}
