using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>
/// Records a sign-in with an API token, or a sign-out. They change only the cookie, so nothing else writes to the database.
/// </summary>
internal sealed class RecordSession(UpdraftDbContext db, EventLog events)
{
    /// <param name="type"><see cref="EventTypes.SessionStarted"/> or <see cref="EventTypes.SessionEnded"/>.</param>
    /// <param name="subject">The caller.</param>
    /// <param name="means">The way to sign in: one of the constants of <see cref="SessionEvents"/>.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
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
    /// <summary>Ways to sign in. They are part of stored events.</summary>
    public const string Provider = "identity provider", Token = "API token", Cli = "command line", Page = "page";

    /// <summary>Records a sign-in or sign-out.</summary>
    public static void RecordSession(this EventLog events, string type, Subject subject, string means, string? reason = null) =>
        events.Record(type, subject.Profile, new(subject.Organization), new("session", subject.Id, subject.FullName ?? subject.Name),
            ("means", means), ("reason", reason));
}
