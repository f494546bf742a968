using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.SignIn;

/// <summary>One login of a person with a command-line client: it ends, or is revoked, with all tokens that came of it.</summary>
internal sealed class LoginSession
{
    public required string Id { get; init; }

    public required UserId UserId { get; init; }

    /// <summary>SHA-256 of the refresh token that counts.</summary>
    public required Digest RefreshHash { get; set; }

    /// <summary>SHA-256 of the one before: whoever still has it has copied it, or was copied.</summary>
    public Digest? PreviousRefreshHash { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Moves on with each refresh.</summary>
    public required DateTimeOffset ExpiresAt { get; set; }

    public DateTimeOffset? RevokedAt { get; set; }
}

internal static class LoginSessionTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<LoginSession> LoginSessions => db.Set<LoginSession>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<LoginSession>
    {
        public void Configure(EntityTypeBuilder<LoginSession> builder)
        {
            builder.ToTable("login_sessions");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Id).HasMaxLength(64);
            builder.HasIndex(row => row.RefreshHash).IsUnique();
            builder.HasIndex(row => row.PreviousRefreshHash);
            builder.HasIndex(row => row.UserId);
        }
    }
}
