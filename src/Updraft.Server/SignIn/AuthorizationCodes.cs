using System.Buffers.Text;
using System.Security.Cryptography;
using System.Text;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Tokens;

namespace Updraft.Server.SignIn;

/// <summary>A client's authorization request. The state of the sign-in at the provider carries it, bound to the browser.</summary>
internal sealed record AuthorizationRequest(string RedirectUri, string Challenge, string? State);

/// <summary>An authorization code that was issued and not redeemed yet.</summary>
internal sealed class AuthorizationCode
{
    /// <summary>SHA-256 of the code.</summary>
    public required Digest Hash { get; init; }

    public required UserId UserId { get; init; }

    public required string RedirectUri { get; init; }

    public required string Challenge { get; init; }

    public required DateTimeOffset EndsAt { get; init; }
}

/// <summary>
/// The codes that a browser carries from the server to the client. Each is valid once, for five minutes, and only with the verifier. The
/// user confirms the login in this time. They are in the database, because the client and the browser may reach different replicas.
/// </summary>
internal sealed class AuthorizationCodes(UpdraftDbContext db, TimeProvider clock)
{
    /// <summary>Time from the sign-in to the exchange of the code.</summary>
    public static readonly TimeSpan Lifetime = TimeSpan.FromMinutes(5);

    /// <summary>Issues a code for a user.</summary>
    public async Task<string> IssueAsync(UserId user, AuthorizationRequest request, CancellationToken cancellationToken)
    {
        var code = NewSecret();
        var now = clock.GetUtcNow();
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.Set<AuthorizationCode>().Where(row => row.EndsAt <= now).ExecuteDeleteAsync(cancellationToken);
        db.Add(new AuthorizationCode
        {
            Hash = IssueToken.HashOf(code),
            UserId = user,
            RedirectUri = request.RedirectUri,
            Challenge = request.Challenge,
            EndsAt = now + Lifetime,
        });
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return code;
    }

    /// <summary>Redeems a code; null if the code is unknown or expired, or does not match the verifier and the redirect URL.</summary>
    public async Task<UserId?> RedeemAsync(string code, string verifier, string redirectUri, CancellationToken cancellationToken)
    {
        var hash = IssueToken.HashOf(code);
        var found = await db.Set<AuthorizationCode>().AsNoTracking().SingleOrDefaultAsync(row => row.Hash == hash, cancellationToken);
        if (found is null)
            return null;
        // Of two simultaneous requests with one code, only one deletes the row. The other one gets null.
        await using var write = await db.BeginWriteAsync(cancellationToken);
        if (await db.Set<AuthorizationCode>().Where(row => row.Hash == hash).ExecuteDeleteAsync(cancellationToken) == 0)
            return null;
        await write.CommitAsync(cancellationToken);
        if (found.EndsAt <= clock.GetUtcNow() || found.RedirectUri != redirectUri)
            return null;
        var challenge = Base64Url.EncodeToString(SHA256.HashData(Encoding.ASCII.GetBytes(verifier)));
        return CryptographicOperations.FixedTimeEquals(Encoding.ASCII.GetBytes(challenge), Encoding.ASCII.GetBytes(found.Challenge))
            ? found.UserId : null;
    }

    /// <summary>256 random bits as text.</summary>
    public static string NewSecret() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(32));

    internal sealed class Mapping : IEntityTypeConfiguration<AuthorizationCode>
    {
        public void Configure(EntityTypeBuilder<AuthorizationCode> builder)
        {
            builder.ToTable("authorization_codes");
            builder.HasKey(row => row.Hash);
            builder.HasIndex(row => row.EndsAt);
        }
    }
}
