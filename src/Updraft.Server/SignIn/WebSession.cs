using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Database;

namespace Updraft.Server.SignIn;

/// <summary>A session of the web UI. The cookie has its ID; the row decides whether the session is still valid.</summary>
internal sealed class WebSession
{
    public required string Id { get; init; }

    /// <summary>Null for a session with an API token.</summary>
    public UserId? UserId { get; init; }

    /// <summary>The API token that signed in; null for a session of a user.</summary>
    public TokenId? TokenId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time of the last request, stored about once a minute.</summary>
    public required DateTimeOffset LastUsedAt { get; set; }

    /// <summary>Time of the sign-out or of its revocation; null before.</summary>
    public DateTimeOffset? EndedAt { get; set; }

    /// <summary>IP address at the sign-in.</summary>
    public required string ClientAddress { get; init; }

    /// <summary>User agent at the sign-in, shortened.</summary>
    public required string UserAgent { get; init; }
}

internal static class WebSessionTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<WebSession> WebSessions => db.Set<WebSession>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<WebSession>
    {
        public void Configure(EntityTypeBuilder<WebSession> builder)
        {
            builder.ToTable("web_sessions");
            builder.HasKey(row => row.Id);
            builder.Property(row => row.Id).HasMaxLength(64);
            builder.Property(row => row.ClientAddress).HasMaxLength(64);
            builder.Property(row => row.UserAgent).HasMaxLength(128);
            builder.HasIndex(row => row.UserId);
            builder.HasIndex(row => row.CreatedAt);
        }
    }
}
