using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>Begins, checks and ends the sessions of the web UI.</summary>
internal sealed class WebSessions(UpdraftDbContext db, IOptions<SignInOptions> options, TimeProvider clock, EventLog events,
    IHttpContextAccessor http, ReadCache cache, ProviderClaims claims)
{
    private static readonly TimeSpan UseInterval = TimeSpan.FromMinutes(1);

    /// <summary>Begins a session, deletes expired ones, and returns its ID.</summary>
    /// <param name="subject">A user or an API token.</param>
    /// <param name="means">The way to sign in: one of the constants of <see cref="SessionEvents"/>.</param>
    public async Task<string> BeginAsync(Subject subject, string means, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var session = new WebSession
        {
            // Not an EntityId, whose beginning is the time: the ID of a session is not predictable.
            Id = AuthorizationCodes.NewSecret(),
            UserId = subject.Kind == SubjectKind.User ? new UserId(subject.Id) : null,
            TokenId = subject.Kind == SubjectKind.User ? null : new TokenId(subject.Id),
            CreatedAt = now,
            LastUsedAt = now,
            ClientAddress = http.HttpContext is { } context ? RequestClient.Address(context) : "",
            UserAgent = http.HttpContext is { } request ? RequestClient.UserAgent(request) : "",
        };
        var oldest = now - options.Value.SessionLifetime;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.WebSessions.Where(row => row.CreatedAt <= oldest).ExecuteDeleteAsync(cancellationToken);
        db.WebSessions.Add(session);
        events.RecordSession(EventTypes.SessionStarted, subject, means);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return session.Id;
    }

    /// <summary>Whether a session is valid.</summary>
    /// <param name="id">ID of the session.</param>
    /// <param name="isUse">Whether the request counts as a use, which keeps the session from becoming idle.</param>
    public async Task<bool> CheckAsync(string id, bool isUse, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (await FindAsync(id, cancellationToken) is not { } session || session.CreatedAt <= now - options.Value.SessionLifetime
            || session.LastUsedAt <= now - options.Value.SessionIdle)
            return false;
        if (!isUse || now - session.LastUsedAt < UseInterval)
            return true;
        await RecordUseAsync(id, now, cancellationToken);
        return session.UserId is not { } user || await claims.CheckAsync(user, options.Value.ClaimsInterval, cancellationToken);
    }

    private async Task<KnownSession?> FindAsync(string id, CancellationToken cancellationToken)
    {
        var entries = cache.Current;
        if (entries?.Find<KnownSession>(id) is { } known)
            return known;
        var read = await db.WebSessions.Where(row => row.Id == id && row.EndedAt == null)
            .Select(row => new KnownSession(row.UserId, row.CreatedAt, row.LastUsedAt)).SingleOrDefaultAsync(cancellationToken);
        if (read is not null)
            entries?.Add(id, read);
        return read;
    }

    private async Task RecordUseAsync(string id, DateTimeOffset now, CancellationToken cancellationToken)
    {
        try
        {
            await using var write = await db.BeginWriteAsync(cancellationToken);
            await db.WebSessions.Where(row => row.Id == id)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.LastUsedAt, now), cancellationToken);
            await write.CommitAsync(cancellationToken);
        }
        catch (Exception exception) when (StorageFailure.Of(exception) is not null)
        {
            // On a full or read-only disk, pages that only read must still work. The session may become idle too early.
        }
    }

    /// <summary>Ends a session. A copy of its cookie stops working too.</summary>
    public async Task EndAsync(string id, Subject subject, CancellationToken cancellationToken)
    {
        DateTimeOffset? now = clock.GetUtcNow();
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.WebSessions.Where(row => row.Id == id && row.EndedAt == null)
            .ExecuteUpdateAsync(set => set.SetProperty(row => row.EndedAt, now), cancellationToken);
        events.RecordSession(EventTypes.SessionEnded, subject, SessionEvents.Page);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }

    private sealed record KnownSession(UserId? UserId, DateTimeOffset CreatedAt, DateTimeOffset LastUsedAt);
}
