using System.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// PostgreSQL, for several servers. Transactions see what is committed when each of their statements begins, so whatever a decision
/// rests on is read after a row is locked that everybody locks who could change it: the Deployment's, or the Organization's.
/// </summary>
internal sealed class PostgresUpdraftDbContext(DbContextOptions<PostgresUpdraftDbContext> options) : UpdraftDbContext(options)
{
    // Not FOR UPDATE: rows that only refer to the locked one may be written meanwhile.
    protected override string RowLock => " FOR NO KEY UPDATE";

    public override async Task<WriteTransaction> BeginWriteAsync(CancellationToken cancellationToken)
    {
        ChangeTracker.Clear();
        // Nobody goes on in a transaction of which a part failed.
        Database.AutoSavepointsEnabled = false;
        return new WriteTransaction(await Database.BeginTransactionAsync(cancellationToken));
    }

    /// <exception cref="NpgsqlException">And when the connection broke at the end: EF takes that for a success.</exception>
    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        var changed = await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
        if (Database.CurrentTransaction is not null && Database.GetDbConnection().State != ConnectionState.Open)
            throw new NpgsqlException("The connection broke after the statement.", new IOException());
        return changed;
    }

    public override Task AnnounceAtCommitAsync(string news, CancellationToken cancellationToken) =>
        Database.ExecuteSqlAsync($"SELECT pg_notify({Channel}, {news})", cancellationToken);

    /// <summary>Where <see cref="AnnounceAtCommitAsync"/> is heard.</summary>
    public const string Channel = "updraft";

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        // Byte by byte, as SQLite compares: the order of lists does not depend on the language of the database.
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
        {
            if ((property.GetValueConverter()?.ProviderClrType ?? property.GetProviderClrType() ?? property.ClrType) == typeof(string))
                property.SetCollation("C");
        }
    }
}
