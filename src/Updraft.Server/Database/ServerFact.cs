using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace Updraft.Server.Database;

/// <summary>Something that holds for all servers on this database: which keys they have, which programs may work on it.</summary>
internal sealed class ServerFact
{
    /// <summary>
    /// Name of the fact that names the oldest schema that a program must know to work here: a migration that removes or changes what
    /// earlier programs use sets it to its own id. Absent until the first such migration.
    /// </summary>
    public const string OldestSchema = "oldest_schema";

    /// <summary>Name of the fact that an import into this database has begun and not ended: no server works on it.</summary>
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
