namespace Updraft.Agent;

/// <summary>
/// Waits that double from a first to a longest one. Each is shortened by up to half, by chance, so that agents
/// which lost the same server do not come back in one instant.
/// </summary>
internal sealed class BackOff(TimeSpan first, TimeSpan longest, TimeProvider clock)
{
    private double _factor = 1;

    /// <summary>How often it was waited since the last success.</summary>
    public int Failures { get; private set; }

    public void Reset() => (_factor, Failures) = (1, 0);

    public Task WaitAsync(CancellationToken cancellationToken)
    {
        var wait = first * _factor * (0.5 + Random.Shared.NextDouble() / 2);
        Failures++;
        _factor = Math.Min(_factor * 2, longest / first);
        return Task.Delay(wait, clock, cancellationToken);
    }
}
