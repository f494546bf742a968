using Updraft.Server.Events;

namespace Updraft.Server.Web;

/// <summary>What events are called on pages.</summary>
internal static class EventNames
{
    /// <summary>An event's type as a sentence without a subject.</summary>
    public static string Of(string type) => type switch
    {
        EventTypes.DeployCreated => "Deploy created",
        EventTypes.DeployFinalized => "Deploy finalized",
        EventTypes.DeployActive => "Deploy active on all agents",
        EventTypes.DeployFailed => "Deploy failed",
        EventTypes.DeployRolledBack => "Rolled back",
        EventTypes.DeployUpdated => "Deploy described",
        EventTypes.HibernationOverridden => "Hibernation overridden",
        EventTypes.HibernationResumed => "Hibernation override removed",
        EventTypes.TokenRolesChanged => "Roles of a token changed",
        EventTypes.UserCreated => "First sign-in",
        EventTypes.UserRolesChanged => "Roles of a person changed",
        EventTypes.SessionStarted => "Signed in",
        EventTypes.SessionEnded => "Signed out",
        _ when type.IndexOf('.', StringComparison.Ordinal) is var dot and > 0 => $"{Kind(type[..dot])} {type[(dot + 1)..].Replace('_', ' ')}",
        _ => type,
    };

    /// <summary>A kind of thing that is changed.</summary>
    public static string Kind(string kind) => kind.Length == 0 ? "" : char.ToUpperInvariant(kind[0]) + kind[1..].Replace('_', ' ');
}
