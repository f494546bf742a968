using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>Who waits for whom while an image is rolled out.</summary>
[Trait("Database", "every")]
public sealed class ImageBarrierTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string Zeroth = "2026-01-01T00:00:00.0000000Z", First = "2026-01-01T00:00:00.0000001Z",
        Second = "2026-01-01T00:00:00.0000002Z";

    private static readonly ImageReference One = Image("one"), Two = Image("two");

    [Fact]
    public async Task The_others_move_when_the_image_runs_and_hear_of_it_at_once()
    {
        var site = await CreateAsync(fixture.Server);
        var (driver, other) = (await site.EnrollAsync("driver", imageDriver: "exec"), await site.EnrollAsync("other"));
        var revision = await site.CommitAsync(First, "one");

        Assert.Equal(StatePhase.Prepare, (await other.ReportAsync(AgentPhase.Prepared, revision, 1)).Phase);
        Assert.Null(await other.AskAsync(revision, "PREPARE"));
        var waiting = other.AskAsync(revision, "PREPARE", wait: 60);
        await driver.ReportAsync(AgentPhase.Preparing, revision, 1);
        Assert.False(waiting.IsCompleted);

        Assert.Equal(StatePhase.Activate, (await driver.ReportAsync(AgentPhase.Prepared, revision, 1, One)).Phase);
        var told = await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal((revision, StatePhase.Activate), (told!.Revision, told.Phase));
    }

    [Fact]
    public async Task Agents_with_a_driver_wait_for_each_other()
    {
        var site = await CreateAsync(fixture.Server);
        var (one, two) = (await site.EnrollAsync("one", imageDriver: "exec"), await site.EnrollAsync("two", imageDriver: "kubernetes"));
        var revision = await site.CommitAsync(First, "one");

        Assert.Equal(StatePhase.Prepare, (await one.ReportAsync(AgentPhase.Prepared, revision, 1, One)).Phase);
        var waiting = one.AskAsync(revision, "PREPARE", wait: 60);
        Assert.Equal(StatePhase.Activate, (await two.ReportAsync(AgentPhase.Prepared, revision, 1, One)).Phase);
        Assert.Equal(StatePhase.Activate, (await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken))!.Phase);
    }

    [Fact]
    public async Task Nobody_waits_when_the_image_runs_already_or_nobody_rolls_it_out()
    {
        var site = await CreateAsync(fixture.Server);
        var (driver, other) = (await site.EnrollAsync("driver", imageDriver: "exec"), await site.EnrollAsync("other"));
        var first = await site.CommitAsync(First, "one");
        await driver.ReportAsync(AgentPhase.Active, first, first, One);
        await other.ReportAsync(AgentPhase.Active, first, first);

        var second = await site.CommitAsync(Second, "one");
        Assert.Equal(StatePhase.Activate, (await other.ReportAsync(AgentPhase.Prepared, second, first)).Phase);

        // An agent that runs the revision is not called back when somebody joins.
        await other.ReportAsync(AgentPhase.Active, second, second);
        await site.EnrollAsync("late", imageDriver: "exec");
        Assert.Null(await other.AskAsync(second, "ACTIVATE"));
    }

    [Fact]
    public async Task A_driver_that_is_taken_away_holds_nobody_up()
    {
        var site = await CreateAsync(fixture.Server);
        var instance = EntityId.New(TimeProvider.System);
        await site.EnrollAsync("driver", instance, "exec");
        var other = await site.EnrollAsync("other");
        var revision = await site.CommitAsync(First, "one");
        Assert.Equal(StatePhase.Prepare, (await other.ReportAsync(AgentPhase.Prepared, revision, 1)).Phase);

        await site.EnrollAsync("driver", instance);

        Assert.Equal(StatePhase.Activate, (await other.AskAsync(revision, "PREPARE"))!.Phase);
    }

    [Fact]
    public async Task A_driver_that_dies_holds_up_the_others_no_longer_than_it_counts_as_live()
    {
        var clock = new FakeTimeProvider(DateTimeOffset.UnixEpoch.AddYears(56));
        await using var server = await UpdraftServer.StartAsync(clock);
        var site = await CreateAsync(server);
        await site.EnrollAsync("driver", imageDriver: "exec");
        var other = await site.EnrollAsync("other");
        var revision = await site.CommitAsync(First, "one");
        Assert.Equal(StatePhase.Prepare, (await other.ReportAsync(AgentPhase.Prepared, revision, 1)).Phase);

        clock.Advance(TimeSpan.FromSeconds(61));

        Assert.Equal(StatePhase.Activate, (await other.AskAsync(revision, "PREPARE"))!.Phase);
    }

    [Fact]
    public async Task An_image_that_comes_to_run_with_an_older_revision_lets_the_others_go_too()
    {
        var site = await CreateAsync(fixture.Server);
        var (driver, other) = (await site.EnrollAsync("driver", imageDriver: "exec"), await site.EnrollAsync("other"));
        var first = await site.CommitAsync(First, "two");
        var second = await site.CommitAsync(Second, "two");
        await other.ReportAsync(AgentPhase.Prepared, second, 1);
        var waiting = other.AskAsync(second, "PREPARE", wait: 60);

        Assert.Equal(StatePhase.Prepare, (await driver.ReportAsync(AgentPhase.Prepared, first, 1, Two)).Phase);

        Assert.Equal(StatePhase.Activate, (await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken))!.Phase);
    }

    [Fact]
    public async Task An_agent_that_has_nothing_yet_does_not_wait()
    {
        var site = await CreateAsync(fixture.Server);
        await site.EnrollAsync("driver", imageDriver: "kubernetes");
        var fresh = await site.EnrollAsync("in a new pod");
        var revision = await site.CommitAsync(First, "one");

        Assert.Equal(StatePhase.Activate, (await fresh.ReportAsync(AgentPhase.Prepared, revision, 0)).Phase);
    }

    /// <summary>Revision 1 was deployed before; whoever is told to have it active has.</summary>
    private static async Task<AgentSite> CreateAsync(UpdraftServer server)
    {
        var site = await AgentSite.CreateAsync(server);
        await site.CommitAsync(Zeroth, "zero");
        return site;
    }

    private static ImageReference Image(string tag) => new("localhost:5555/org/orders", tag);
}
