using System.Diagnostics;

namespace Updraft.Testing;

/// <summary>Waiting for what another process does: asked again and again, up to a deadline that only a failure reaches.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromMilliseconds(5);

    public static Task TrueAsync(Func<bool> condition, string what, Func<string>? detail = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, detail);

    /// <param name="condition">What is asked.</param>
    /// <param name="what">What does not hold when the deadline has passed.</param>
    /// <param name="detail">More for that message.</param>
    /// <param name="within">The deadline; 60 seconds unless given.</param>
    public static async Task TrueAsync(Func<Task<bool>> condition, string what, Func<string>? detail = null, TimeSpan? within = null)
    {
        var deadline = within ?? Deadline;
        var clock = Stopwatch.StartNew();
        while (!await condition())
        {
            if (clock.Elapsed > deadline)
                Assert.Fail($"Not within {deadline.TotalSeconds} s: {what}\n{detail?.Invoke()}");
            await Task.Delay(Pause, TestContext.Current.CancellationToken);
        }
    }
}
