using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>An agent requests an unavailable server with growing pauses, and agents do not all reconnect at one time.</summary>
[Trait("catalog", "G8")]
public sealed class BackOffTests
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Pauses_double_to_the_maximum_and_keep_at_least_half()
    {
        var waits = await WaitAsync(30);

        var nominal = Enumerable.Range(0, 30).Select(i => First * Math.Min(Math.Pow(2, i), Longest / First));
        Assert.All(waits.Zip(nominal), wait => Assert.InRange(wait.First, wait.Second / 2 - TimeSpan.FromMilliseconds(1), wait.Second));
    }

    [Fact]
    public async Task Agents_reconnect_over_half_a_minute_after_a_common_outage()
    {
        var arrivals = new List<double>();
        for (var agent = 0; agent < 200; agent++)
            arrivals.Add((await WaitAsync(10))[^1].TotalSeconds);

        // An even spread of 200 agents over 30 s is 6.7 per second. Without a spread it would be 200.
        var busiest = arrivals.GroupBy(arrival => (int)arrival).Max(second => second.Count());
        Assert.InRange(busiest, 1, 30);
        Assert.InRange(arrivals.Max() - arrivals.Min(), 20, 30);
    }

    private static async Task<List<TimeSpan>> WaitAsync(int times)
    {
        var clock = new RecordingClock();
        var backOff = new BackOff(First, Longest, clock);
        for (var time = 0; time < times; time++)
            await backOff.WaitAsync(TestContext.Current.CancellationToken);
        return clock.Waits;
    }
}
