using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>Row G8: a server that is away is asked ever more slowly, and not by all agents at once when it is back.</summary>
public sealed class BackOffTests
{
    private static readonly TimeSpan First = TimeSpan.FromSeconds(1), Longest = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Waits_double_up_to_the_longest_and_are_never_shorter_than_half()
    {
        var waits = await WaitAsync(30);

        var nominal = Enumerable.Range(0, 30).Select(i => First * Math.Min(Math.Pow(2, i), Longest / First));
        Assert.All(waits.Zip(nominal), wait => Assert.InRange(wait.First, wait.Second / 2 - TimeSpan.FromMilliseconds(1), wait.Second));
    }

    [Fact]
    public async Task Agents_that_lost_the_server_together_come_back_over_half_a_minute()
    {
        var arrivals = new List<double>();
        for (var agent = 0; agent < 200; agent++)
            arrivals.Add((await WaitAsync(10))[^1].TotalSeconds);

        // 200 agents over 30 s are 6.7 a second if they are spread evenly; at once they would be 200.
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
