using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Updraft.Server.Tests.Database;

/// <summary>
/// Runs an action once where races happen: after a server has read the rows of a query and before it uses them, or before it commits.
/// Create the hook before the server starts, because Entity Framework caches for a while that it has no listeners.
/// </summary>
internal sealed class DatabaseHook : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private readonly ConcurrentBag<IDisposable> _subscriptions = [];
    private readonly IDisposable _listeners;
    private Armed? _armed;

    public DatabaseHook() => _listeners = DiagnosticListener.AllListeners.Subscribe(this);

    /// <summary>Runs the action after the next matching query.</summary>
    /// <param name="server">Only queries of this server match.</param>
    /// <param name="isWanted">Selects the query by its SQL without quotation marks.</param>
    /// <param name="action">The action. The request of the query waits for it.</param>
    /// <returns>Completes with the action, or fails with its exception.</returns>
    public Task AfterReadAsync(UpdraftServer server, Func<string, bool> isWanted, Func<Task> action) =>
        Arm(new(server, isWanted, action, AtCommit: false));

    /// <summary>Runs the action before the next commit of a transaction with a matching statement.</summary>
    /// <inheritdoc cref="AfterReadAsync"/>
    public Task BeforeCommitAsync(UpdraftServer server, Func<string, bool> isWanted, Func<Task> action) =>
        Arm(new(server, isWanted, action, AtCommit: true));

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.EntityFrameworkCore")
            _subscriptions.Add(value.Subscribe(this, name =>
                name == RelationalEventId.DataReaderDisposing.Name || name == RelationalEventId.TransactionCommitting.Name));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (Volatile.Read(ref _armed) is not { } armed)
            return;
        if (value.Value is DataReaderDisposingEventData data)
        {
            if (!IsOf(armed.Server, data.Command.Connection!)
                || !armed.IsWanted(data.Command.CommandText.Replace("\"", "", StringComparison.Ordinal)))
                return;
            if (armed.AtCommit)
                armed.Writing.TryAdd(data.ConnectionId, true);
            else
                Run(armed);
        }
        else if (value.Key == RelationalEventId.TransactionCommitting.Name && value.Value is TransactionEventData commit
            && armed.Writing.ContainsKey(commit.ConnectionId))
        {
            Run(armed);
        }
    }

    private void Run(Armed armed)
    {
        if (Interlocked.CompareExchange(ref _armed, null, armed) != armed)
            return;
        try
        {
            // The server must not continue before the action ends, and an observer cannot await.
            Task.Run(armed.Action).GetAwaiter().GetResult();
            armed.Done.SetResult();
        }
        catch (Exception exception)
        {
            armed.Done.SetException(exception);
        }
    }

    private Task Arm(Armed armed)
    {
        Volatile.Write(ref _armed, armed);
        return armed.Done.Task;
    }

    public void OnCompleted()
    {
    }

    public void OnError(Exception error)
    {
    }

    public void Dispose()
    {
        _listeners.Dispose();
        foreach (var subscription in _subscriptions)
            subscription.Dispose();
    }

    public static bool IsOf(UpdraftServer server, DbConnection connection) => connection is SqliteConnection sqlite
        ? sqlite.DataSource.StartsWith(server.DataDirectory, StringComparison.Ordinal)
        : connection.Database == new NpgsqlConnectionStringBuilder(server.ConnectionString).Database;

    private sealed record Armed(UpdraftServer Server, Func<string, bool> IsWanted, Func<Task> Action, bool AtCommit)
    {
        public TaskCompletionSource Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>Connections that have executed a matching statement.</summary>
        public ConcurrentDictionary<Guid, bool> Writing { get; } = new();
    }
}
