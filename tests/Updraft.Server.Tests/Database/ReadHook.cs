using System.Collections.Concurrent;
using System.Data.Common;
using System.Diagnostics;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Npgsql;

namespace Updraft.Server.Tests.Database;

/// <summary>
/// Runs an action once, after a server has read the rows of a query and before the server uses them. Races happen there. Create the hook
/// before the server starts, because Entity Framework caches for a while that it has no listeners.
/// </summary>
internal sealed class ReadHook : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private readonly ConcurrentBag<IDisposable> _subscriptions = [];
    private readonly IDisposable _listeners;
    private Armed? _armed;

    public ReadHook() => _listeners = DiagnosticListener.AllListeners.Subscribe(this);

    /// <summary>Runs the action after the next matching query.</summary>
    /// <param name="server">Only queries of this server match.</param>
    /// <param name="isWanted">Selects the query by its SQL without quotation marks.</param>
    /// <param name="action">The action. The request of the query waits for it.</param>
    /// <returns>Completes with the action, or fails with its exception.</returns>
    public Task AfterAsync(UpdraftServer server, Func<string, bool> isWanted, Func<Task> action)
    {
        var armed = new Armed(connection => IsOf(server, connection), isWanted, action,
            new(TaskCreationOptions.RunContinuationsAsynchronously));
        Volatile.Write(ref _armed, armed);
        return armed.Done.Task;
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name == "Microsoft.EntityFrameworkCore")
            _subscriptions.Add(value.Subscribe(this, name => name == RelationalEventId.DataReaderDisposing.Name));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Value is not DataReaderDisposingEventData data || Volatile.Read(ref _armed) is not { } armed
            || !armed.IsOf(data.Command.Connection!)
            || !armed.IsWanted(data.Command.CommandText.Replace("\"", "", StringComparison.Ordinal))
            || Interlocked.CompareExchange(ref _armed, null, armed) != armed)
            return;
        try
        {
            // The request must not continue before the action ends, and an observer cannot await.
            Task.Run(armed.Action).GetAwaiter().GetResult();
            armed.Done.SetResult();
        }
        catch (Exception exception)
        {
            armed.Done.SetException(exception);
        }
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

    private static bool IsOf(UpdraftServer server, DbConnection connection) => connection is SqliteConnection sqlite
        ? sqlite.DataSource.StartsWith(server.DataDirectory, StringComparison.Ordinal)
        : connection.Database == new NpgsqlConnectionStringBuilder(server.ConnectionString).Database;

    private sealed record Armed(Func<DbConnection, bool> IsOf, Func<string, bool> IsWanted, Func<Task> Action, TaskCompletionSource Done);
}
