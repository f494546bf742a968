using System.Data.Common;
using Microsoft.EntityFrameworkCore.Metadata;
using Npgsql;

namespace Updraft.Server.Import;

/// <summary>Puts rows into one table, in the fastest way that its database has.</summary>
internal interface IRowWriter : IAsyncDisposable
{
    /// <summary>Adds a row.</summary>
    Task WriteAsync(object?[] row, CancellationToken cancellationToken);

    /// <summary>No more rows come.</summary>
    Task CompleteAsync(CancellationToken cancellationToken);
}

/// <summary>PostgreSQL's <c>COPY</c>.</summary>
internal sealed class CopyWriter(NpgsqlBinaryImporter copy, IReadOnlyList<IColumn> columns) : IRowWriter
{
    // Without what stands in brackets: varchar(64) is written as varchar.
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

/// <summary>One statement, prepared once.</summary>
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
