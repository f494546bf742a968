using System.Data.Common;
using System.Diagnostics;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Updraft.Server.Tests.Database;

namespace Updraft.Server.Tests.Web;

/// <summary>An executed SQL statement with the values of its parameters.</summary>
internal sealed record Statement(string Text, IReadOnlyList<(string Name, object? Value)> Parameters);

/// <summary>Records the SQL statements that satisfy a condition, of all servers in this process, until it is disposed.</summary>
internal sealed class DatabaseStatements : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
{
    private readonly Func<IEnumerable<object?>, bool> _condition;
    private readonly UpdraftServer? _server;
    private readonly List<IDisposable> _subscriptions = [];
    private readonly List<Statement> _recorded = [];

    /// <param name="condition">Called before each statement, in the flow of its request, with the parameter values.</param>
    /// <param name="server">Records the statements of this server only; null for all servers.</param>
    public DatabaseStatements(Func<IEnumerable<object?>, bool> condition, UpdraftServer? server = null)
    {
        (_condition, _server) = (condition, server);
        _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
    }

    public List<Statement> Recorded
    {
        get
        {
            lock (_recorded)
                return [.. _recorded];
        }
    }

    public void OnNext(DiagnosticListener value)
    {
        if (value.Name != DbLoggerCategory.Name)
            return;
        lock (_subscriptions)
            _subscriptions.Add(value.Subscribe(this));
    }

    public void OnNext(KeyValuePair<string, object?> value)
    {
        if (value.Key != RelationalEventId.CommandExecuting.Name || value.Value is not CommandEventData { Command: { } command }
            || (_server is not null && !DatabaseHook.IsOf(_server, command.Connection!)))
            return;
        var parameters = command.Parameters.Cast<DbParameter>().Select(parameter => (parameter.ParameterName, parameter.Value)).ToList();
        if (!_condition(parameters.Select(parameter => parameter.Value)))
            return;
        lock (_recorded)
            _recorded.Add(new Statement(command.CommandText, parameters));
    }

    public void OnError(Exception error)
    {
    }

    public void OnCompleted()
    {
    }

    public void Dispose()
    {
        lock (_subscriptions)
            _subscriptions.ForEach(subscription => subscription.Dispose());
    }
}
