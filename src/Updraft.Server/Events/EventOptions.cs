using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Events;

/// <summary>The record of what was changed; section <c>Events</c>.</summary>
internal sealed class EventOptions
{
    /// <summary>How many days an event is kept, at most 36,500; 400 by default, 0 for ever.</summary>
    [Range(0, 36_500)]
    public int KeepDays { get; set; } = 400;
}
