using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Events;

/// <summary>Events, which the audit log shows.</summary>
internal sealed class EventOptions
{
    public const string Section = "Events";

    /// <summary>How many days the server keeps an event. <c>0</c> keeps all events.</summary>
    [Range(0, 36_500)]
    public int KeepDays { get; set; } = 400;
}
