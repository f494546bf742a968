using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

internal static class SessionEvents
{
    /// <summary>Ways to sign in. They are part of stored events.</summary>
    public const string Provider = "identity provider", Token = "API token", Cli = "command line", Page = "page";

    /// <summary>Records a sign-in or sign-out.</summary>
    public static void RecordSession(this EventLog events, string type, Subject subject, string means, string? reason = null) =>
        events.Record(type, subject.Profile, new(subject.Organization), new("session", subject.Id, subject.FullName ?? subject.Name),
            ("means", means), ("reason", reason));
}
