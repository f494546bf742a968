namespace Updraft.Rigs;

/// <summary>Kills a process when the load reaches a named moment for the N-th time, after a delay.</summary>
/// <param name="name">Name of the moment.</param>
/// <param name="count">N, from 1.</param>
/// <param name="delay">Time between the moment and the kill.</param>
/// <param name="kill">Kills the process.</param>
internal sealed class Moment(string name, int count, TimeSpan delay, Action kill)
{
    private int _left = count;

    /// <summary>The moments, each with its row of the fault catalog.</summary>
    public static IReadOnlyList<(string Name, string Row)> All { get; } =
    [
        ("create", "C1"), ("upload-half", "C2"), ("block", "C3"), ("blocklist", "C3"), ("upload-sent", "C6"),
        ("finalize", "C7/C8"), ("repeat", "C8"), ("rollback", "C10"),
    ];

    public static Moment Never { get; } = new("", int.MaxValue, TimeSpan.Zero, () => { });

    /// <summary>The load calls this at each moment.</summary>
    public void Reached(string moment)
    {
        if (moment == name && Interlocked.Decrement(ref _left) == 0)
            _ = AfterAsync();
    }

    private async Task AfterAsync()
    {
        await Task.Delay(delay);
        kill();
    }
}
