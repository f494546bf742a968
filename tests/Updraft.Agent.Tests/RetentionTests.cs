using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests;

/// <summary>How long earlier states and their trees stay: the age counts from the moment when a state was left.</summary>
public sealed class RetentionTests : IAsyncLifetime
{
    private static readonly TimeSpan KeepFor = TimeSpan.FromMinutes(10);

    private readonly MovableClock _clock = new();
    private readonly TestAgent _agent = new();
    private StandInServer _server = null!;

    public async ValueTask InitializeAsync()
    {
        _server = await StandInServer.StartAsync();
        _agent.Clock = _clock;
    }

    public async ValueTask DisposeAsync()
    {
        await _agent.DisposeAsync();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task State_active_for_long_stays_for_KeepFor_after_it_was_left()
    {
        Start(keepTrees: 0);
        await DeployAsync(1);
        _clock.Advance(TimeSpan.FromHours(3));
        await DeployAsync(2);
        _clock.Advance(KeepFor / 2);
        await DeployAsync(3);
        // The agent deletes old states after its report. So the fourth deploy shows the result of the third.
        await DeployAsync(4);

        Assert.Equal(["1", "2", "3", "4"], States());
        Assert.Equal(Trees(1, 2, 3, 4), Names("trees"));

        _clock.Advance(KeepFor * 0.75);
        await DeployAsync(5);
        await DeployAsync(6);

        // The agent left the states 2 and 3 half a KeepFor later than state 1.
        Assert.Equal(["2", "3", "4", "5", "6"], States());
        Assert.Equal(Trees(2, 3, 4, 5, 6), Names("trees"));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(3)]
    public async Task Exactly_KeepTrees_earlier_states_stay_beyond_KeepFor(int keepTrees)
    {
        Start(keepTrees);
        for (var version = 1; version <= 6; version++)
        {
            await DeployAsync(version);
            _clock.Advance(KeepFor * 2);
        }
        await _agent.StopAsync();
        // The agent also deletes old states at its start.
        _agent.Start(_server.Address);
        await _agent.WaitForLogAsync("revision_resumed");

        var kept = Enumerable.Range(6 - keepTrees, keepTrees + 1).ToArray();
        Assert.Equal(kept.Select(version => $"{version}"), States());
        Assert.Equal(Trees(kept), Names("trees"));
        Assert.Equal(Trees(kept), Names("manifests"));
    }

    [Fact]
    public async Task Tree_of_a_kept_state_stays_readable()
    {
        Start(keepTrees: 1);
        await DeployAsync(1);
        _clock.Advance(KeepFor * 2);
        await DeployAsync(2);
        await DeployAsync(3);

        var path = Path.Join(_agent.Own("states", "1"), "dags", "a.py");
        Assert.Equal("1", await File.ReadAllTextAsync(path, TestContext.Current.CancellationToken));
    }

    private void Start(int keepTrees)
    {
        _agent.Configure = options => options with { KeepTrees = keepTrees, KeepFor = KeepFor };
        _agent.Start(_server.Address);
    }

    private Task<AgentReport> DeployAsync(int version) => _server.WaitForActiveAsync(_server.Deploy(("dags", Content(version))));

    private static Tree Content(int version) => Tree.Of(("a.py", $"{version}"));

    private IEnumerable<string> States() => Names("states");

    private IEnumerable<string> Names(string folder) =>
        Directory.GetFileSystemEntries(_agent.Own(folder)).Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal);

    private static IEnumerable<string> Trees(params int[] versions) =>
        versions.Select(version => Content(version).ToManifest().Digest.ToString()).Order(StringComparer.Ordinal);

    /// <summary>The system's clock, moved on by the test.</summary>
    private sealed class MovableClock : TimeProvider
    {
        private long _ticks;

        public void Advance(TimeSpan time) => Interlocked.Add(ref _ticks, time.Ticks);

        public override DateTimeOffset GetUtcNow() => System.GetUtcNow() + TimeSpan.FromTicks(Interlocked.Read(ref _ticks));
    }
}
