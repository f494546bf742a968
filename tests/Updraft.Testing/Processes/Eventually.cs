using System.Diagnostics;

namespace Updraft.Testing;

/// <summary>Polls the state of another process up to a deadline, which only a failure reaches.</summary>
internal static class Eventually
{
    private static readonly TimeSpan Deadline = TimeSpan.FromSeconds(60), Pause = TimeSpan.FromMilliseconds(5);

    public static Task TrueAsync(Func<bool> condition, string what, Func<string>? detail = null) =>
        TrueAsync(() => Task.FromResult(condition()), what, detail);

    /// <param name="condition">The state to wait for.</param>
    /// <param name="what">Description of the state, for the failure.</param>
    /// <param name="detail">More text for the failure.</param>
    /// <param name="within">The deadline; 60 seconds by default.</param>
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
