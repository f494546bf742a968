using System.Globalization;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests.Replicas;

/// <summary>Many clients at two servers whose database goes away twice: row X7, at full length.</summary>
[Trait("Runs", "ci")] // Races for 25 seconds on a database cluster of its own, which it crashes.
[Trait("Database", "own")]
public sealed class RaceTests
{
    private const int Deployments = 4, Clients = 32, AgentsPerDeployment = 2;

    /// <summary>Shorter than an agent's wait behind a patient proxy.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(40);

    /// <summary>How long they race; <c>UPDRAFT_RACE_SECONDS</c> says otherwise.</summary>
    private static TimeSpan Length => TimeSpan.FromSeconds(
        double.Parse(Environment.GetEnvironmentVariable("UPDRAFT_RACE_SECONDS") is { Length: > 0 } text ? text : "25", CultureInfo.InvariantCulture));

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task X7_Finalizes_and_rollbacks_at_two_servers_have_one_order_though_PostgreSQL_restarts_and_every_agent_hears_of_the_last()
    {
        await using var site = await ReplicaSite.StartAsync();
        var deployments = new List<RacedDeployment>();
        var agents = new List<(AgentOnDisk Agent, RacedDeployment Of)>();
        for (var i = 0; i < Deployments; i++)
        {
            deployments.Add(new RacedDeployment(await site.CreateDeploymentAsync($"raced {i}")));
            for (var server = 0; server < AgentsPerDeployment; server++)
                agents.Add((await site.StartAgentAsync(deployments[i].Path, server), deployments[i]));
        }

        using var end = CancellationTokenSource.CreateLinkedTokenSource(Cancelled);
        var clients = Enumerable.Range(0, Clients).Select(i =>
            new RaceClient(site, deployments[i % Deployments], $"c{i}", new Random(i)).RunAsync(end.Token)).ToList();
        await RestartTwiceAsync(site);
        await end.CancelAsync();
        await Task.WhenAll(clients);

        foreach (var deployment in deployments)
        {
            var (changes, looks, log) = (deployment.History.Changes, deployment.History.Looks, await site.ReadLogAsync(deployment.Path));
            TestContext.Current.TestOutputHelper?.WriteLine($"{changes.Count(change => change.Answered is not null)} changes acknowledged, "
                + $"{changes.Count(change => change.Answered is null)} without an answer, {looks.Count} looks, {log.Count} revisions");
            Assert.NotEmpty(looks);
            Assert.Contains(changes, change => change is { RollbackOf: not null, Answered: not null });
            var fault = LinearOrder.FindFault(changes, looks, log);
            Assert.True(fault is null, $"{deployment.Path}: {fault}");
            await SeeAsync(agents.Where(agent => agent.Of == deployment).Select(agent => agent.Agent), deployment.Trees[log[^1].Content!]);
        }
        // In the race agents are always busy, and their reports are answered with what is newest. Now they wait, each at its own server.
        for (var server = 0; server < AgentsPerDeployment; server++)
        {
            foreach (var deployment in deployments)
            {
                await Task.Delay(500, Cancelled);
                var tree = await new RaceClient(site, deployment, "calm", new Random(server)).DeployAtAsync(server, Cancelled);
                await SeeAsync(agents.Where(agent => agent.Of == deployment).Select(agent => agent.Agent), tree);
            }
        }
        Assert.Equal(0, site.EmptyWaits);
    }

    /// <summary>Once as a crash, and near the end in order, so that the last changes come while the servers connect again.</summary>
    private static async Task RestartTwiceAsync(ReplicaSite site)
    {
        await Task.Delay(Length * 0.4, Cancelled);
        await site.Postgres.CrashAsync();
        await Task.Delay(Length * 0.5, Cancelled);
        await site.Postgres.RestartAsync();
        await Task.Delay(Length * 0.1, Cancelled);
    }

    private static async Task SeeAsync(IEnumerable<AgentOnDisk> agents, Tree tree)
    {
        foreach (var agent in agents)
            await Eventually.TrueAsync(() => Task.FromResult(IsAt(agent, tree)), $"the agent at {agent.Root} has the newest revision", () => agent.Log, Patience);
    }

    private static bool IsAt(AgentOnDisk agent, Tree tree)
    {
        try
        {
            return tree.Difference(agent.Dags) is null;
        }
        catch (IOException)
        {
            // The mount was flipped while it was walked.
            return false;
        }
    }
}
