namespace Updraft.Browser.Tests.Support;

/// <summary>The system's clock, moved: what happens now happened then. Timers run as ever.</summary>
internal sealed class MovedClock : TimeProvider
{
    /// <summary>How far from the system's time.</summary>
    public TimeSpan By { get; set; }

    public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;
}
