using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;
using Updraft.Server.Tokens;
using Updraft.Server.Users;

namespace Updraft.Server.SignIn;

/// <summary>
/// The tokens of a login: a refresh token, and an access token that is valid for an hour, a JSON Web Token signed by
/// the server. An access token has no claim <c>permissions</c>, because clients treat a token with that claim as an API token of a CI
/// system.
/// </summary>
internal sealed class LoginTokens(UpdraftDbContext db, SigningKeys keys, TokenCache cache, IOptions<ServerOptions> options,
    IOptions<SignInOptions> signIn, ProviderClaims claims, TimeProvider clock, EventLog events)
{
    private const string SessionClaim = "sid";
    private static readonly TimeSpan AccessLifetime = TimeSpan.FromHours(1);
    private static readonly JsonWebTokenHandler Handler = new() { SetDefaultTimesOnTokenCreation = false };

    /// <summary>Starts a login.</summary>
    /// <returns>Null if the user may not sign in any longer.</returns>
    public async Task<TokenResponse?> BeginAsync(UserId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var user = await FindUserAsync(id, cancellationToken);
        if (user is null)
            return null;
        var refresh = AuthorizationCodes.NewSecret();
        var now = clock.GetUtcNow();
        var session = new LoginSession
        {
            Id = EntityId.New(clock),
            UserId = id,
            RefreshHash = IssueToken.HashOf(refresh),
            CreatedAt = now,
            ExpiresAt = EndOf(now, now),
        };
        db.LoginSessions.Add(session);
        events.RecordSession(EventTypes.SessionStarted, user.ToSubject(), SessionEvents.Cli);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return IssueTokens(session, user, refresh);
    }

    /// <summary>
    /// Exchanges a refresh token for new tokens. The astro CLI keeps its first refresh token, and a response can be lost. So a token works
    /// until its successor is used, and its successor is always the same one. A use after that revokes the login, because two parties have
    /// its tokens.
    /// </summary>
    /// <returns>Null if the token is not valid.</returns>
    public async Task<TokenResponse?> RefreshAsync(string token, CancellationToken cancellationToken)
    {
        var successor = SuccessorOf(token);
        var (hash, next) = (IssueToken.HashOf(token), IssueToken.HashOf(successor));
        var isKnown = await IsKnownAsync(hash, cancellationToken);
        if (!isKnown && !await IsKnownAsync(next, cancellationToken))
            return null;
        var owner = await db.LoginSessions.Where(row => row.RefreshHash == hash || row.PreviousRefreshHash == hash)
            .Select(row => (UserId?)row.UserId).SingleOrDefaultAsync(cancellationToken);
        if (owner is { } known && !await claims.CheckAsync(known, ProviderClaims.MinInterval, cancellationToken))
            return null;
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var now = clock.GetUtcNow();
        // The lock serializes two requests with the same token: the second one reads the change of the first.
        var session = (await db.LockRowsAsync<LoginSession>(
            "SELECT * FROM login_sessions WHERE (refresh_hash = {0} OR previous_refresh_hash = {0})", (isKnown ? hash : next).ToArray(),
                cancellationToken)).SingleOrDefault();
        if (session is null || session.RevokedAt is not null || session.ExpiresAt <= now
            || session.CreatedAt + signIn.Value.LoginLifetime <= now)
            return null;
        var user = await FindUserAsync(session.UserId, cancellationToken);
        if (user is null || (session.RefreshHash != hash && session.PreviousRefreshHash != hash))
        {
            session.RevokedAt = now;
            if (user is not null)
                events.RecordSession(EventTypes.SessionEnded, user.ToSubject(), SessionEvents.Cli,
                    "a refresh token was used after its successor");
        }
        else
        {
            (session.PreviousRefreshHash, session.RefreshHash, session.ExpiresAt) = (hash, next, EndOf(session.CreatedAt, now));
        }
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        if (session.RevokedAt is null)
            return IssueTokens(session, user!, successor);
        cache.Forget();
        return null;
    }

    /// <summary>Revokes the login of a refresh token. Does nothing if the token is unknown.</summary>
    public async Task RevokeAsync(string token, CancellationToken cancellationToken)
    {
        var hash = IssueToken.HashOf(token);
        if (!await IsKnownAsync(hash, cancellationToken))
            return;
        var now = clock.GetUtcNow();
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var session = (await db.LockRowsAsync<LoginSession>(
            "SELECT * FROM login_sessions WHERE (refresh_hash = {0} OR previous_refresh_hash = {0})", hash.ToArray(), cancellationToken))
                .SingleOrDefault();
        if (session is null || session.RevokedAt is not null)
            return;
        session.RevokedAt = now;
        var id = session.UserId;
        if (await db.Users.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) is { } user)
            events.RecordSession(EventTypes.SessionEnded, user.ToSubject(), SessionEvents.Cli);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        cache.Forget();
    }

    /// <summary>The user of an access token; null if the token is invalid or expired, or its login was revoked.</summary>
    public async Task<KnownToken?> FindAsync(string token, CancellationToken cancellationToken)
    {
        if (!Handler.CanReadToken(token))
            return null;
        var result = await Handler.ValidateTokenAsync(token, new TokenValidationParameters
        {
            IssuerSigningKey = IssueToken.SigningKey(keys),
            ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
            ValidAudience = IssueToken.Audience,
            ValidateIssuer = false,
            RequireExpirationTime = true,
            LifetimeValidator = (_, expires, _, _) => expires is { } end && clock.GetUtcNow() < new DateTimeOffset(end, TimeSpan.Zero),
        });
        if (!result.IsValid || result.SecurityToken is not JsonWebToken jwt || !jwt.TryGetPayloadValue<string>(SessionClaim, out var id))
            return null;
        var now = clock.GetUtcNow();
        var userId = await db.LoginSessions.Where(row => row.Id == id && row.RevokedAt == null && row.ExpiresAt > now)
            .Select(row => (UserId?)row.UserId).SingleOrDefaultAsync(cancellationToken);
        return userId is { } known && await FindUserAsync(known, cancellationToken) is { } user
            ? new KnownToken(null, user.ToSubject(), new DateTimeOffset(jwt.ValidTo, TimeSpan.Zero)) : null;
    }

    // Before a transaction: anyone may send a token, and SQLite has one writer.
    private Task<bool> IsKnownAsync(Digest hash, CancellationToken cancellationToken) => db.LoginSessions.AnyAsync(
        row => (row.RefreshHash == hash || row.PreviousRefreshHash == hash) && row.RevokedAt == null, cancellationToken);

    /// <summary>
    /// The refresh token after a given one. Only the server can compute it. The database stores hashes, so it could not return a random
    /// token a second time.
    /// </summary>
    private string SuccessorOf(string token) =>
        Base64Url.EncodeToString(HMACSHA256.HashData(keys.Uploads, Encoding.UTF8.GetBytes("updraft-refresh 1\n" + token)));

    private DateTimeOffset EndOf(DateTimeOffset createdAt, DateTimeOffset now)
    {
        var (idle, absolute) = (now + signIn.Value.LoginIdle, createdAt + signIn.Value.LoginLifetime);
        return idle < absolute ? idle : absolute;
    }

    private Task<User?> FindUserAsync(UserId id, CancellationToken cancellationToken) =>
        db.Users.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id && row.Status == UserStatus.Active, cancellationToken);

    private TokenResponse IssueTokens(LoginSession session, User user, string refresh)
    {
        var now = clock.GetUtcNow();
        var access = Handler.CreateToken(new SecurityTokenDescriptor
        {
            Issuer = options.Value.PublicUrl,
            Audience = IssueToken.Audience,
            IssuedAt = now.UtcDateTime,
            Expires = (now + AccessLifetime).UtcDateTime,
            Claims = new Dictionary<string, object>(StringComparer.Ordinal)
            {
                ["sub"] = user.Id.Value,
                ["jti"] = EntityId.New(clock),
                [SessionClaim] = session.Id,
                ["email"] = user.Username,
            },
            SigningCredentials = new SigningCredentials(IssueToken.SigningKey(keys), SecurityAlgorithms.EcdsaSha256),
        });
        return new TokenResponse(access, refresh, (long)AccessLifetime.TotalSeconds);
    }
}

/// <summary>The tokens that a client gets at the end of a login or refresh.</summary>
/// <param name="Access">The access token.</param>
/// <param name="Refresh">The next refresh token.</param>
/// <param name="ExpiresIn">Validity of the access token in seconds.</param>
internal sealed record TokenResponse(string Access, string Refresh, long ExpiresIn);
