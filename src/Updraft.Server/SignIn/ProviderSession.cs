using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.SignIn;

/// <summary>The session of a user at the identity provider, with which the server asks for the user's claims again.</summary>
internal sealed class ProviderSession
{
    public required UserId UserId { get; init; }

    /// <summary>The newest refresh token of the provider, encrypted with the keys of the web UI's sessions.</summary>
    public required string RefreshToken { get; set; }

    /// <summary>Time of the sign-in, or of the last request for claims.</summary>
    public required DateTimeOffset CheckedAt { get; set; }
}

internal static class ProviderSessionTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<ProviderSession> ProviderSessions => db.Set<ProviderSession>();

        /// <summary>Ends all sessions and logins of a user. The caller commits.</summary>
        public async Task EndSessionsAsync(UserId id, DateTimeOffset? now, CancellationToken cancellationToken)
        {
            await db.WebSessions.Where(row => row.UserId == id && row.EndedAt == null)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.EndedAt, now), cancellationToken);
            await db.LoginSessions.Where(row => row.UserId == id && row.RevokedAt == null)
                .ExecuteUpdateAsync(set => set.SetProperty(row => row.RevokedAt, now), cancellationToken);
            await db.Set<AuthorizationCode>().Where(row => row.UserId == id).ExecuteDeleteAsync(cancellationToken);
            await db.ProviderSessions.Where(row => row.UserId == id).ExecuteDeleteAsync(cancellationToken);
        }
    }

    internal sealed class Mapping : IEntityTypeConfiguration<ProviderSession>
    {
        public void Configure(EntityTypeBuilder<ProviderSession> builder)
        {
            builder.ToTable("provider_sessions");
            builder.HasKey(row => row.UserId);
        }
    }
}
