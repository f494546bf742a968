using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.SignIn;

/// <summary>One login of a user with a command-line client. If it expires or is revoked, all its tokens become invalid.</summary>
internal sealed class LoginSession
{
    public required string Id { get; init; }

    public required UserId UserId { get; init; }

    /// <summary>SHA-256 of the newest refresh token.</summary>
    public required Digest RefreshHash { get; set; }

    /// <summary>SHA-256 of the previous refresh token, which is valid until the newest one is used.</summary>
    public Digest? PreviousRefreshHash { get; set; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Each refresh extends it, up to <see cref="SignInOptions.LoginLifetime"/> after the login.</summary>
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
