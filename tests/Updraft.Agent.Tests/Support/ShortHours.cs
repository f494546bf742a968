namespace Updraft.Agent.Tests.Support;

/// <summary>A clock whose hours last 50 ms, so that the agent inspects its trees all the time.</summary>
internal sealed class ShortHours : TimeProvider
{
    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        base.CreateTimer(callback, state, dueTime > TimeSpan.FromMinutes(30) ? TimeSpan.FromMilliseconds(50) : dueTime, period);
}
