using Updraft.Server.Events;

namespace Updraft.Server.Web;

/// <summary>Titles of event types in the web UI.</summary>
internal static class EventNames
{
    public static string Of(string type) => type switch
    {
        EventTypes.DeployCreated => "Deploy created",
        EventTypes.DeployFinalized => "Deploy finalized",
        EventTypes.DeployActive => "Deploy active on all agents",
        EventTypes.DeployFailed => "Deploy failed",
        EventTypes.DeployRolledBack => "Rolled back",
        EventTypes.DeployUpdated => "Deploy description updated",
        EventTypes.HibernationOverridden => "Hibernation overridden",
        EventTypes.HibernationResumed => "Hibernation override removed",
        EventTypes.TokenRolesChanged => "Token roles changed",
        EventTypes.UserCreated => "First sign-in",
        EventTypes.UserRolesChanged => "User roles changed",
        EventTypes.UserSessionsEnded => "User sessions ended",
        EventTypes.SessionStarted => "Signed in",
        EventTypes.SessionEnded => "Signed out",
        _ when type.IndexOf('.', StringComparison.Ordinal) is var dot and > 0 =>
            $"{Kind(type[..dot])} {type[(dot + 1)..].Replace('_', ' ')}",
        _ => type,
    };

    /// <summary>The title of the part of a type before the dot, such as "Agent token" for <c>agent_token</c>.</summary>
    public static string Kind(string kind) => kind.Length == 0 ? "" : char.ToUpperInvariant(kind[0]) + kind[1..].Replace('_', ' ');
}
