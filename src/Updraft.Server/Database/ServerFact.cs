using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Updraft.Server.Database;

/// <summary>A fact about this database that all its replicas share, for example the ids of their keys.</summary>
internal sealed class ServerFact
{
    /// <summary>
    /// Name of the fact with the id of a migration that a program must know to use this database. A migration that is incompatible with
    /// earlier programs sets it to its own id. Absent until the first such migration.
    /// </summary>
    public const string OldestSchema = "oldest_schema";

    /// <summary>Name of the fact that marks an incomplete import into this database. Servers refuse to start while it exists.</summary>
    public const string UnfinishedImport = "unfinished_import";

    public required string Name { get; init; }

    public required string Value { get; set; }
}

internal static class ServerFactTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<ServerFact> ServerFacts => db.Set<ServerFact>();
    }

    internal sealed class Mapping : IEntityTypeConfiguration<ServerFact>
    {
        public void Configure(EntityTypeBuilder<ServerFact> builder)
        {
            builder.ToTable("server_facts");
            builder.HasKey(row => row.Name);
            builder.Property(row => row.Name).HasMaxLength(64);
        }
    }
}
