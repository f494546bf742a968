using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Server.Database;

namespace Updraft.Server.Tests.Replicas;

/// <summary>Of several servers one does the background work, and another one when that cannot go on.</summary>
[Trait("Runs", "ci")] // Restarts a database cluster of its own.
public sealed class LeaderElectionTests(OwnPostgresCluster cluster) : IClassFixture<OwnPostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_of_two_works_and_when_it_stops_the_other_takes_over()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var works = new[] { new Work(servers.First), new Work(servers.Second) };
        var leader = await LeaderAsync(works);
        var other = works.Single(work => work != leader);
        // Much longer than the first pauses between two attempts.
        await Task.Delay(TimeSpan.FromSeconds(2), Cancelled);
        Assert.Equal((1, 0), (leader.Begun, other.Begun));

        await leader.StopAsync();

        await Poll.UntilAsync(() => Task.FromResult(other.IsWorking));
        Assert.False(leader.IsWorking);
        Assert.Contains("became the leader", other.Server.LogText, StringComparison.Ordinal);
        await other.StopAsync();
    }

    [Fact]
    public async Task Who_loses_the_connection_stops_working_and_somebody_works_again()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var works = new[] { new Work(servers.First), new Work(servers.Second) };
        for (var lost = 1; lost <= 3; lost++)
        {
            var leader = await LeaderAsync(works);
            var ended = leader.Ended;
            await using (var scope = servers.First.Services.CreateAsyncScope())
            {
                var ends = await scope.ServiceProvider.GetRequiredService<UpdraftDbContext>().Database.SqlQuery<bool>($"""
                    SELECT pg_terminate_backend(pid) AS "Value" FROM pg_locks
                    WHERE locktype = 'advisory' AND granted AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
                    """).ToListAsync(Cancelled);
                Assert.Equal([true], ends);
            }
            await Poll.UntilAsync(() => Task.FromResult(leader.Ended > ended));
        }
        await LeaderAsync(works);
        foreach (var work in works)
            await work.StopAsync();
    }

    [Fact]
    public async Task After_a_restart_of_PostgreSQL_one_works_again()
    {
        await using var servers = await cluster.StartServersAsync(2);
        var works = new[] { new Work(servers.First), new Work(servers.Second) };
        var leader = await LeaderAsync(works);
        var ended = leader.Ended;
        await cluster.RestartAsync();
        await Poll.UntilAsync(() => Task.FromResult(leader.Ended > ended));
        await LeaderAsync(works);
        foreach (var work in works)
            await work.StopAsync();
    }

    [Fact]
    public async Task The_one_server_on_SQLite_works_at_once_and_what_has_ended_is_not_begun_again()
    {
        await using var server = await UpdraftServer.StartAsync();
        var begun = 0;
        await server.Services.GetRequiredService<LeaderElection>().RunAsync(_ =>
        {
            begun++;
            return Task.CompletedTask;
        }, Cancelled).WaitAsync(TimeSpan.FromSeconds(20), Cancelled);
        Assert.Equal(1, begun);
    }

    /// <summary>The one that works, when there is exactly one.</summary>
    private static async Task<Work> LeaderAsync(Work[] works)
    {
        await Poll.UntilAsync(() => Task.FromResult(works.Count(work => work.IsWorking) == 1));
        return works.Single(work => work.IsWorking);
    }

    /// <summary>Something that a server does for all of them until it is told to stop.</summary>
    private sealed class Work
    {
        private readonly Task _running;
        private int _begun, _ended;

        public Work(UpdraftServer server)
        {
            Server = server;
            _running = server.Services.GetRequiredService<LeaderElection>().RunAsync(UntilToldAsync,
                server.Services.GetRequiredService<Microsoft.Extensions.Hosting.IHostApplicationLifetime>().ApplicationStopping);
        }

        public UpdraftServer Server { get; }

        public int Begun => Volatile.Read(ref _begun);

        public int Ended => Volatile.Read(ref _ended);

        public bool IsWorking => Begun > Ended;

        public async Task StopAsync()
        {
            await Server.StopAsync();
            await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        private async Task UntilToldAsync(CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _begun);
            await Task.Delay(Timeout.Infinite, cancellationToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Interlocked.Increment(ref _ended);
        }
    }
}
