using System.Data.Common;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Updraft.Server.Import;

/// <summary>Writes rows to one table, with the fastest method of its database.</summary>
internal interface IRowWriter : IAsyncDisposable
{
    /// <summary>Writes a row. The values are in the order of the columns; null is NULL.</summary>
    Task WriteAsync(object?[] row, CancellationToken cancellationToken);

    /// <summary>Completes the write after the last row.</summary>
    Task CompleteAsync(CancellationToken cancellationToken);
}

/// <summary>Uses <c>COPY</c> of PostgreSQL.</summary>
internal sealed class CopyWriter(NpgsqlBinaryImporter copy, IReadOnlyList<IColumn> columns) : IRowWriter
{
    // Without the length: varchar(64) becomes varchar.
    private readonly string[] _types = [.. columns.Select(column => column.StoreType.Split('(')[0])];

    public async Task WriteAsync(object?[] row, CancellationToken cancellationToken)
    {
        await copy.StartRowAsync(cancellationToken);
        for (var i = 0; i < row.Length; i++)
        {
            if (row[i] is { } value)
                await copy.WriteAsync(value, _types[i], cancellationToken);
            else
                await copy.WriteNullAsync(cancellationToken);
        }
    }

    public async Task CompleteAsync(CancellationToken cancellationToken) => await copy.CompleteAsync(cancellationToken);

    public ValueTask DisposeAsync() => copy.DisposeAsync();
}

/// <summary>Uses one prepared <c>INSERT</c> statement.</summary>
internal sealed class InsertWriter(DbCommand insert) : IRowWriter
{
    public async Task WriteAsync(object?[] row, CancellationToken cancellationToken)
    {
        for (var i = 0; i < row.Length; i++)
            insert.Parameters[i].Value = row[i] ?? DBNull.Value;
        await insert.ExecuteNonQueryAsync(cancellationToken);
    }

    public Task CompleteAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public ValueTask DisposeAsync() => insert.DisposeAsync();
}
