namespace Updraft.Rigs;

/// <summary>Kills when the load reaches a named moment for the N-th time, after a delay.</summary>
/// <param name="name">The moment.</param>
/// <param name="count">How many times it must come.</param>
/// <param name="delay">How long after.</param>
/// <param name="kill">What to do then.</param>
internal sealed class Moment(string name, int count, TimeSpan delay, Action kill)
{
    private int _left = count;

    /// <summary>The moments, and the row of the fault list that each stands for.</summary>
    public static IReadOnlyList<(string Name, string Row)> All { get; } =
    [
        ("create", "C1"), ("upload-half", "C2"), ("block", "C3"), ("blocklist", "C3"), ("upload-sent", "C6"),
        ("finalize", "C7/C8"), ("repeat", "C8"), ("rollback", "C10"),
    ];

    public static Moment Never { get; } = new("", int.MaxValue, TimeSpan.Zero, () => { });

    /// <summary>The load is there.</summary>
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
