namespace Updraft.Browser.Tests.Support;

/// <summary>The clock of the system with an offset, so that events get a time in the past. Timers run without an offset.</summary>
internal sealed class MovedClock : TimeProvider
{
    public TimeSpan Offset { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + Offset;
}
