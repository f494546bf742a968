using System.Data;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// PostgreSQL, for several replicas. Each statement of a transaction sees all commits before its start (READ COMMITTED). So a transaction
/// first locks the row of the Deployment or of the Organization, and then reads the rows for its decision. Every transaction that could
/// change those rows takes the same lock.
/// </summary>
internal sealed class PostgresUpdraftDbContext(DbContextOptions<PostgresUpdraftDbContext> options) : UpdraftDbContext(options)
{
    // Not FOR UPDATE: other transactions may insert rows that reference the locked one.
    protected override string RowLock => " FOR NO KEY UPDATE";

    public override async Task<WriteTransaction> BeginWriteAsync(CancellationToken cancellationToken)
    {
        ChangeTracker.Clear();
        // No code continues a transaction after a failed statement.
        Database.AutoSavepointsEnabled = false;
        return new WriteTransaction(await Database.BeginTransactionAsync(cancellationToken));
    }

    /// <exception cref="NpgsqlException">Also if the connection broke after the last statement; EF reports success then.</exception>
    public override async Task<int> SaveChangesAsync(bool acceptAllChangesOnSuccess, CancellationToken cancellationToken = default)
    {
        var changed = await base.SaveChangesAsync(acceptAllChangesOnSuccess, cancellationToken);
        if (Database.CurrentTransaction is not null && Database.GetDbConnection().State != ConnectionState.Open)
            throw new NpgsqlException("The connection broke after the statement.", new IOException());
        return changed;
    }

    public override Task AnnounceAtCommitAsync(string news, CancellationToken cancellationToken) =>
        Database.ExecuteSqlAsync($"SELECT pg_notify({Channel}, {news})", cancellationToken);

    /// <summary>Name of the notification channel of <see cref="AnnounceAtCommitAsync"/>.</summary>
    public const string Channel = "updraft";

    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        base.OnModelCreating(modelBuilder);
        // Compares bytes, as SQLite does. Otherwise the order of lists would depend on the locale of the database.
        foreach (var property in modelBuilder.Model.GetEntityTypes().SelectMany(entity => entity.GetProperties()))
        {
            if ((property.GetValueConverter()?.ProviderClrType ?? property.GetProviderClrType() ?? property.ClrType) == typeof(string))
                property.SetCollation("C");
        }
    }
}
