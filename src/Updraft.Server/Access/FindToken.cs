using Microsoft.EntityFrameworkCore;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.SignIn;
using Updraft.Server.Tokens;

namespace Updraft.Server.Access;

/// <summary>Verifies the token of a request, and finds its subject.</summary>
internal sealed class FindToken(IServiceScopeFactory scopes, SigningKeys keys, TokenCache cache, TokenUse use,
    TimeProvider clock)
{
    private readonly Func<UpdraftDbContext, Digest, CancellationToken, Task<ApiToken?>> _byHash =
        EF.CompileAsyncQuery((UpdraftDbContext db, Digest hash, CancellationToken _) =>
            db.Set<ApiToken>().AsNoTracking().SingleOrDefault(row => row.Hash == hash && row.RevokedAt == null));

    private readonly JsonWebTokenHandler _handler = new();
    private readonly TokenValidationParameters _rules = new()
    {
        IssuerSigningKey = IssueToken.SigningKey(keys),
        ValidAlgorithms = [SecurityAlgorithms.EcdsaSha256],
        ValidAudience = IssueToken.Audience,
        // The public URL of the server may change. The key stays the same.
        ValidateIssuer = false,
        LifetimeValidator = (_, expires, _, _) => expires is null || clock.GetUtcNow() < new DateTimeOffset(expires.Value, TimeSpan.Zero),
    };

    /// <summary>The subject of a token; null if this server did not issue the token, or if it has expired or was deleted.</summary>
    public Task<Subject?> RunAsync(string token, CancellationToken cancellationToken) =>
        RunAsync(token, IssueToken.HashOf(token), cancellationToken);

    /// <summary>The subject of a token, with a credential that verifies the token again later.</summary>
    public async Task<(Subject Subject, Credential Credential)?> AuthenticateAsync(string token, CancellationToken cancellationToken)
    {
        var hash = IssueToken.HashOf(token);
        if (await RunAsync(token, hash, cancellationToken) is not { } subject)
            return null;
        return (subject, subject.Kind == SubjectKind.Agent ? CredentialOf(hash) : CredentialOf(token, hash));
    }

    // Thousands of agents may wait at the same time. For a verified token, the hash is enough, so its long text is not kept.
    private Credential CredentialOf(Digest hash) => new(cancellationToken => IsStillValidAsync(hash, cancellationToken));

    private Credential CredentialOf(string token, Digest hash) =>
        new(async cancellationToken => await RunAsync(token, hash, cancellationToken) is not null);

    private async Task<bool> IsStillValidAsync(Digest hash, CancellationToken cancellationToken)
    {
        if (cache.Find(hash) is { } known)
            return !(known.ExpiresAt <= clock.GetUtcNow());
        await using var scope = scopes.CreateAsyncScope();
        return await _byHash(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), hash, cancellationToken) is { } row
            && !(row.ExpiresAt <= clock.GetUtcNow());
    }

    private async Task<Subject?> RunAsync(string token, Digest hash, CancellationToken cancellationToken)
    {
        var known = cache.Find(hash) ?? await ReadAsync(token, hash, cancellationToken);
        if (known is null || known.ExpiresAt <= clock.GetUtcNow())
            return null;
        if (known.Id is { } id)
            use.Note(id);
        return known.Subject;
    }

    private async Task<KnownToken?> ReadAsync(string token, Digest hash, CancellationToken cancellationToken)
    {
        var generation = cache.Generation;
        await using var scope = scopes.CreateAsyncScope();
        var row = await _byHash(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), hash, cancellationToken);
        if (row is null)
        {
            if (await scope.ServiceProvider.GetRequiredService<LoginTokens>().FindAsync(token, cancellationToken) is { } session)
            {
                cache.Remember(hash, session, generation);
                return session;
            }
            return null;
        }
        if (row.IsSigned && !(await _handler.ValidateTokenAsync(token, _rules)).IsValid)
            return null;
        var known = new KnownToken(row.Id, row.ToSubject(), row.ExpiresAt);
        cache.Remember(hash, known, generation);
        return known;
    }
}
