using System.Data.Common;
using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Storage;
using Npgsql;
using Updraft.Server.Database;

namespace Updraft.Server.Import;

/// <summary>A copied table.</summary>
/// <param name="Name">Name of the table.</param>
/// <param name="Rows">Number of its rows, the same in both databases.</param>
/// <param name="Sha256">Digest of all values, in the order of the primary key; the same in both databases. Empty after a dry run.</param>
internal sealed record CopiedTable(string Name, long Rows, string Sha256);

/// <summary>
/// Copies all rows of all tables of the model. A table is copied after the tables that it references, then read from the target in the same
/// transaction and compared. Earlier rows of the target are deleted first. Memory does not depend on the number of rows.
/// </summary>
/// <param name="source">SQLite with the schema of this program.</param>
/// <param name="target">SQLite or PostgreSQL with the schema of this program, with an open connection and transaction.</param>
/// <param name="progress">Called with the name of the table and the number of its rows so far.</param>
internal sealed class CopyTables(UpdraftDbContext source, UpdraftDbContext target, Action<string, long> progress)
{
    // These facts describe the database itself, not its data.
    private const string CopiedFacts = $"name NOT IN ('{ServerFact.OldestSchema}', '{ServerFact.UnfinishedImport}')";

    /// <summary>The tables of the model, each after the tables that it references.</summary>
    public static IReadOnlyList<ITable> InOrder(UpdraftDbContext db)
    {
        var sorted = new List<ITable>();
        var left = db.Model.GetRelationalModel().Tables.OrderBy(table => table.Name, StringComparer.Ordinal).ToList();
        while (left.Count > 0)
        {
            var next = left.FindAll(table => table.ForeignKeyConstraints
                .All(key => key.PrincipalTable == table || sorted.Contains(key.PrincipalTable)));
            if (next.Count == 0)
                throw new InvalidOperationException(
                    $"The tables {string.Join(", ", left.Select(table => table.Name))} reference each other.");
            sorted.AddRange(next);
            left.RemoveAll(next.Contains);
        }
        return sorted;
    }

    /// <exception cref="IOException">A table differs between the databases after the copy.</exception>
    public async Task<IReadOnlyList<CopiedTable>> RunAsync(CancellationToken cancellationToken)
    {
        var tables = InOrder(target);
        var from = source.Model.GetRelationalModel();
        foreach (var table in tables.Reverse())
            await RunAsync($"DELETE FROM {Quote(table.Name)}{Where(table)}", cancellationToken);
        var copied = new List<CopiedTable>();
        foreach (var table in tables)
        {
            var columns = table.Columns.OrderBy(column => column.Name, StringComparer.Ordinal).ToList();
            var reads = columns.ConvertAll(column => from.FindTable(table.Name, table.Schema)!.FindColumn(column.Name)!);
            using var read = new TableDigest();
            await using (var writer = await OpenAsync(table, columns, cancellationToken))
            {
                await foreach (var row in RowsAsync(source, table, reads, cancellationToken))
                {
                    read.Add(row);
                    await writer.WriteAsync(row, cancellationToken);
                    progress(table.Name, read.Rows);
                }
                await writer.CompleteAsync(cancellationToken);
            }
            await SetSequencesAsync(table, columns, cancellationToken);
            using var written = new TableDigest();
            await foreach (var row in RowsAsync(target, table, columns, cancellationToken))
                written.Add(row);
            var (wanted, got) = (read.Finish(table.Name), written.Finish(table.Name));
            if (wanted != got)
                throw new IOException($"the table {table.Name} has {wanted.Rows} rows with the digest {wanted.Sha256} in the source, "
                    + $"but {got.Rows} with the digest {got.Sha256} after the copy.");
            copied.Add(got);
        }
        return copied;
    }

    private static async IAsyncEnumerable<object?[]> RowsAsync(UpdraftDbContext db, ITable table, List<IColumn> columns,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // Both databases compare texts by bytes, so the rows have the same order.
        var order = string.Join(", ", table.PrimaryKey!.Columns.Select(column => Quote(column.Name)));
        await using var command = db.Database.GetDbConnection().CreateCommand();
        command.Transaction = db.Database.CurrentTransaction?.GetDbTransaction();
        command.CommandTimeout = 0;
        command.CommandText = $"SELECT {Names(columns)} FROM {Quote(table.Name)}{Where(table)} ORDER BY {order}";
        await using var reader = await command.ExecuteReaderAsync(cancellationToken);
        while (await reader.ReadAsync(cancellationToken))
        {
            var row = new object?[columns.Count];
            for (var i = 0; i < row.Length; i++)
                row[i] = await reader.IsDBNullAsync(i, cancellationToken) ? null : Read(reader, i, columns[i]);
            yield return row;
        }
    }

    // SQLite has one type for integers and booleans; the model has the exact type.
    private static object Read(DbDataReader reader, int index, IColumn column) => Type.GetTypeCode(ClrType(column)) switch
    {
        TypeCode.String => reader.GetString(index),
        TypeCode.Int64 => reader.GetInt64(index),
        TypeCode.Int32 => reader.GetInt32(index),
        TypeCode.Int16 => reader.GetInt16(index),
        TypeCode.Boolean => reader.GetBoolean(index),
        TypeCode.Double => reader.GetDouble(index),
        _ when ClrType(column) == typeof(byte[]) => reader.GetFieldValue<byte[]>(index),
        _ => throw new InvalidOperationException($"{column.Table.Name}.{column.Name} is a {ClrType(column).Name}, "
            + "which an import cannot copy yet."),
    };

    private static Type ClrType(IColumn column) => Nullable.GetUnderlyingType(column.ProviderClrType) ?? column.ProviderClrType;

    private async Task<IRowWriter> OpenAsync(ITable table, List<IColumn> columns, CancellationToken cancellationToken)
    {
        var connection = target.Database.GetDbConnection();
        if (connection is NpgsqlConnection postgres)
        {
            var copy = await postgres.BeginBinaryImportAsync($"COPY {Quote(table.Name)} ({Names(columns)}) FROM STDIN (FORMAT BINARY)",
                cancellationToken);
            copy.Timeout = TimeSpan.Zero;
            return new CopyWriter(copy, columns);
        }
        var insert = connection.CreateCommand();
        insert.Transaction = target.Database.CurrentTransaction!.GetDbTransaction();
        var parameters = string.Join(", ", columns.Select((_, i) => $"@p{i}"));
        insert.CommandText = $"INSERT INTO {Quote(table.Name)} ({Names(columns)}) VALUES ({parameters})";
        for (var i = 0; i < columns.Count; i++)
        {
            var parameter = insert.CreateParameter();
            parameter.ParameterName = $"@p{i.ToString(CultureInfo.InvariantCulture)}";
            insert.Parameters.Add(parameter);
        }
        return new InsertWriter(insert);
    }

    /// <summary>Sets the sequences of PostgreSQL to the highest copied value.</summary>
    private async Task SetSequencesAsync(ITable table, List<IColumn> columns, CancellationToken cancellationToken)
    {
        if (target.Database.GetDbConnection() is not NpgsqlConnection)
            return;
        var integers = columns.Where(column => Type.GetTypeCode(ClrType(column)) is TypeCode.Int16 or TypeCode.Int32 or TypeCode.Int64);
        foreach (var column in integers)
        {
            await RunAsync($"""
                SELECT setval(pg_get_serial_sequence('{Quote(table.Name)}', '{column.Name}'), COALESCE(max({Quote(column.Name)}), 0) + 1, false)
                FROM {Quote(table.Name)} HAVING pg_get_serial_sequence('{Quote(table.Name)}', '{column.Name}') IS NOT NULL
                """, cancellationToken);
        }
    }

    private async Task RunAsync(string sql, CancellationToken cancellationToken)
    {
        await using var command = target.Database.GetDbConnection().CreateCommand();
        command.Transaction = target.Database.CurrentTransaction!.GetDbTransaction();
        command.CommandTimeout = 0;
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync(cancellationToken);
    }

    private static string Where(ITable table) => table.Name == "server_facts" ? $" WHERE {CopiedFacts}" : "";

    private static string Names(IEnumerable<IColumn> columns) => string.Join(", ", columns.Select(column => Quote(column.Name)));

    private static string Quote(string name) => $"\"{name}\"";
}
