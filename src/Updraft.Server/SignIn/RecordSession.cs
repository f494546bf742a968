using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>Writes down that somebody came in with an API token, or left: the cookie is all that this changes.</summary>
internal sealed class RecordSession(UpdraftDbContext db, EventLog events)
{
    /// <param name="type">That it was started or ended.</param>
    /// <param name="subject">Who.</param>
    /// <param name="means">How: one of the constants of <see cref="SessionEvents"/>.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(string type, Subject subject, string means, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        events.RecordSession(type, subject, means);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}

internal static class SessionEvents
{
    /// <summary>Ways to come in.</summary>
    public const string Provider = "identity provider", Token = "API token", Cli = "command line", Page = "page";

    /// <summary>Records that somebody came in or left.</summary>
    public static void RecordSession(this EventLog events, string type, Subject subject, string means, string? reason = null) =>
        events.Record(type, subject.Profile, new(subject.Organization), new("session", subject.Id, subject.FullName ?? subject.Name),
            ("means", means), ("reason", reason));
}
