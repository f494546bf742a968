using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Updraft.Server.Database;
using Updraft.Server.Import;
using Updraft.Server.Tests.Replicas;

namespace Updraft.Server.Tests.Import;

/// <summary>The import copies every table of the model, also future ones.</summary>
[Trait("Runs", "ci")] // Starts its own database cluster.
[Trait("Database", "own")]
public sealed class CopyTablesTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private const int Rows = 3;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Every_column_of_every_entity_is_copied(bool toPostgres)
    {
        var directory = Directory.CreateTempSubdirectory("updraft-copy-").FullName;
        try
        {
            using var gate = new SqliteWriterGate();
            await using var source = await OpenSqliteAsync(Path.Join(directory, "from.db"), gate);
            foreach (var table in CopyTables.InOrder(source))
                await FillAsync(source, table);
            await source.Database.OpenConnectionAsync(Cancelled);
            await using var database = await cluster.CreateDatabaseAsync();
            await using var target = toPostgres
                ? DatabaseServices.OpenWithoutTimeout(new DatabaseOptions { ConnectionString = database.ConnectionString })
                : await OpenSqliteAsync(Path.Join(directory, "to.db"), gate);
            await target.Database.MigrateAsync(Cancelled);

            await using (var write = await target.BeginWriteAsync(Cancelled))
            {
                var copied = await new CopyTables(source, target, (_, _) => { }).RunAsync(Cancelled);
                Assert.All(copied, table => Assert.Equal(Rows, table.Rows));
                var names = copied.Select(table => table.Name).ToHashSet(StringComparer.Ordinal);
                Assert.All(target.Model.GetEntityTypes(), entity => Assert.Contains(entity.GetTableName()!, names));
                Assert.All((string[])["events", "webhooks", "webhook_deliveries"], name => Assert.Contains(name, names));
                await write.CommitAsync(Cancelled);
            }
            foreach (var table in CopyTables.InOrder(source))
                Assert.Equal(await ReadAsync(source, table), await ReadAsync(target, table));
            // The second copy replaces the rows of the first one.
            await using (await target.BeginWriteAsync(Cancelled))
                Assert.All(await new CopyTables(source, target, (_, _) => { }).RunAsync(Cancelled),
                    table => Assert.Equal(Rows, table.Rows));
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    [Theory]
    [InlineData("RETURN NULL;", "but 0 with")]
    [InlineData("NEW.target_name := 'another'; RETURN NEW;", "but 3 with")]
    public async Task Difference_after_the_copy_is_detected(string trouble, string found)
    {
        var directory = Directory.CreateTempSubdirectory("updraft-copy-").FullName;
        try
        {
            using var gate = new SqliteWriterGate();
            await using var source = await OpenSqliteAsync(Path.Join(directory, "from.db"), gate);
            foreach (var table in CopyTables.InOrder(source))
                await FillAsync(source, table);
            await source.Database.OpenConnectionAsync(Cancelled);
            await using var database = await cluster.CreateDatabaseAsync();
            var options = new DatabaseOptions { ConnectionString = database.ConnectionString };
            await using var target = DatabaseServices.OpenWithoutTimeout(options);
            await target.Database.MigrateAsync(Cancelled);
            var sql = $"CREATE FUNCTION trouble() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN {trouble} END $$; "
                + "CREATE TRIGGER trouble BEFORE INSERT ON events FOR EACH ROW EXECUTE FUNCTION trouble()";
            await target.Database.ExecuteSqlRawAsync(sql, Cancelled);
            await using var write = await target.BeginWriteAsync(Cancelled);
            var failure = await Assert.ThrowsAsync<IOException>(() => new CopyTables(source, target, (_, _) => { }).RunAsync(Cancelled));
            Assert.Contains("the table events has 3 rows", failure.Message, StringComparison.Ordinal);
            Assert.Contains(found, failure.Message, StringComparison.Ordinal);
        }
        finally
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>All rows of a table as text, in an order that does not depend on the database.</summary>
    private static async Task<List<string>> ReadAsync(UpdraftDbContext db, ITable table)
    {
        await db.Database.OpenConnectionAsync(Cancelled);
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.CommandText = $"SELECT {string.Join(", ", table.Columns.Select(column => $"\"{column.Name}\""))} FROM \"{table.Name}\"";
        await using var reader = await command.ExecuteReaderAsync(Cancelled);
        var rows = new List<string>();
        while (await reader.ReadAsync(Cancelled))
        {
            rows.Add(string.Join('|', Enumerable.Range(0, reader.FieldCount).Select(i => reader.GetValue(i) switch
            {
                DBNull => "NULL",
                byte[] bytes => Convert.ToHexString(bytes),
                bool truth => truth ? "1" : "0",
                var value => Convert.ToString(value, CultureInfo.InvariantCulture),
            })));
        }
        rows.Sort(StringComparer.Ordinal);
        return rows;
    }

    private static async Task<UpdraftDbContext> OpenSqliteAsync(string path, SqliteWriterGate gate)
    {
        var db = new SqliteUpdraftDbContext(new DbContextOptionsBuilder<SqliteUpdraftDbContext>()
            .UseSqlite($"Data Source={path};Pooling=false").UseSnakeCaseNamingConvention().Options, gate);
        await db.Database.MigrateAsync(Cancelled);
        return db;
    }

    /// <summary>Inserts rows with different values. References point to the row with the same number.</summary>
    private static async Task FillAsync(UpdraftDbContext db, ITable table)
    {
        var columns = table.Columns.ToList();
        for (var number = 1; number <= Rows; number++)
        {
            var values = columns.ConvertAll(column => Value(column, number));
            var sql = $"INSERT INTO \"{table.Name}\" ({string.Join(", ", columns.Select(column => $"\"{column.Name}\""))}) "
                + $"VALUES ({string.Join(", ", values)})";
            await db.Database.ExecuteSqlRawAsync(sql, Cancelled);
        }
    }

    private static string Value(IColumn column, int number)
    {
        var type = Nullable.GetUnderlyingType(column.ProviderClrType) ?? column.ProviderClrType;
        if (column.IsNullable && number == Rows)
            return "NULL";
        if (type == typeof(string))
            return $"'{"aÄz"[number - 1]} ''quoted'' {number}'";
        if (type == typeof(byte[]))
            return $"x'00ff0{number}'";
        if (type == typeof(bool))
            return (number % 2).ToString(CultureInfo.InvariantCulture);
        return (type == typeof(long) ? (1L << 40) + number : number).ToString(CultureInfo.InvariantCulture);
    }
}
