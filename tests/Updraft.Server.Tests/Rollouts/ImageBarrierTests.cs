using Microsoft.Extensions.Time.Testing;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>Agents wait for the image of a revision before they activate.</summary>
public sealed class ImageBarrierTests(SharedServer fixture) : IClassFixture<SharedServer>
{
    private const string Zeroth = "2026-01-01T00:00:00.0000000Z", First = "2026-01-01T00:00:00.0000001Z",
        Second = "2026-01-01T00:00:00.0000002Z";

    private static readonly ImageReference One = Image("one"), Two = Image("two");

    [Fact]
    public async Task Other_agents_activate_at_once_when_the_image_is_ready()
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
        Assert.Equal(StatePhase.Activate,
            (await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken))!.Phase);
    }

    [Fact]
    public async Task Agents_do_not_wait_for_an_image_that_is_ready()
    {
        var site = await CreateAsync(fixture.Server);
        var (driver, other) = (await site.EnrollAsync("driver", imageDriver: "exec"), await site.EnrollAsync("other"));
        var first = await site.CommitAsync(First, "one");
        await driver.ReportAsync(AgentPhase.Active, first, first, One);
        await other.ReportAsync(AgentPhase.Active, first, first);

        var second = await site.CommitAsync(Second, "one");
        Assert.Equal(StatePhase.Activate, (await other.ReportAsync(AgentPhase.Prepared, second, first)).Phase);

        // An agent that runs the revision keeps it when another agent enrolls.
        await other.ReportAsync(AgentPhase.Active, second, second);
        await site.EnrollAsync("late", imageDriver: "exec");
        Assert.Null(await other.AskAsync(second, "ACTIVATE"));
    }

    [Fact]
    public async Task Removed_driver_does_not_delay_other_agents()
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
    public async Task Dead_driver_delays_others_only_while_it_is_live()
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
    public async Task Image_that_is_ready_at_an_older_revision_releases_others()
    {
        var site = await CreateAsync(fixture.Server);
        var (driver, other) = (await site.EnrollAsync("driver", imageDriver: "exec"), await site.EnrollAsync("other"));
        var first = await site.CommitAsync(First, "two");
        var second = await site.CommitAsync(Second, "two");
        await other.ReportAsync(AgentPhase.Prepared, second, 1);
        var waiting = other.AskAsync(second, "PREPARE", wait: 60);

        Assert.Equal(StatePhase.Prepare, (await driver.ReportAsync(AgentPhase.Prepared, first, 1, Two)).Phase);

        Assert.Equal(StatePhase.Activate,
            (await waiting.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken))!.Phase);
    }

    [Fact]
    public async Task Agent_without_an_active_revision_does_not_wait()
    {
        var site = await CreateAsync(fixture.Server);
        await site.EnrollAsync("driver", imageDriver: "kubernetes");
        var fresh = await site.EnrollAsync("in a new pod");
        var revision = await site.CommitAsync(First, "one");

        Assert.Equal(StatePhase.Activate, (await fresh.ReportAsync(AgentPhase.Prepared, revision, 0)).Phase);
    }

    /// <summary>Revision 1 is already deployed; agents in these tests report it as active.</summary>
    private static async Task<AgentSite> CreateAsync(UpdraftServer server)
    {
        var site = await AgentSite.CreateAsync(server);
        await site.CommitAsync(Zeroth, "zero");
        return site;
    }

    private static ImageReference Image(string tag) => new("localhost:5555/org/orders", tag);
}
