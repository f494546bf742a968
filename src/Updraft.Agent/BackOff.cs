namespace Updraft.Agent;

/// <summary>
/// Pauses that double from the first to the longest one. Each is randomly shortened by up to half, so that agents
/// which lost one server at one time do not reconnect at one time.
/// </summary>
internal sealed class BackOff(TimeSpan first, TimeSpan longest, TimeProvider clock)
{
    private double _factor = 1;

    /// <summary>Number of pauses since the last reset.</summary>
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
