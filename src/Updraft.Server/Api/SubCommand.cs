namespace Updraft.Server.Api;

/// <summary>A command of the program that uses the server's settings and services, but does not serve.</summary>
/// <param name="RunAsync">Runs the command, and returns the exit code.</param>
internal sealed record SubCommand(Func<IServiceProvider, SubCommandArguments, CancellationToken, Task<int>> RunAsync)
{
    /// <summary>Text that <c>--help</c> prints after the name of the command; null for the help of the server.</summary>
    public string? Help { get; init; }

    /// <summary>Own arguments without a value, such as <c>--json</c>.</summary>
    public IReadOnlyList<string> Flags { get; init; } = ["--json"];

    /// <summary>Own arguments with a value.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];
}

/// <summary>The own arguments of a command, without the server's settings.</summary>
internal sealed class SubCommandArguments
{
    private readonly HashSet<string> _flags = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Separates the own arguments of a command from the server's settings.</summary>
    /// <param name="command">The command.</param>
    /// <param name="args">The arguments after its name.</param>
    /// <param name="rest">The settings of the server.</param>
    public SubCommandArguments(SubCommand command, IEnumerable<string> args, out List<string> rest)
    {
        rest = [];
        var left = new Queue<string>(args);
        while (left.TryDequeue(out var argument))
        {
            var name = argument.Split('=')[0];
            if (command.Flags.Contains(argument, StringComparer.Ordinal))
                _flags.Add(argument);
            else if (!command.Values.Contains(name, StringComparer.Ordinal))
                rest.Add(argument);
            else if (argument.Length > name.Length)
                _values[name] = argument[(name.Length + 1)..];
            else if (left.TryDequeue(out var value))
                _values[name] = value;
        }
    }

    /// <summary>Whether a flag was given.</summary>
    public bool Has(string flag) => _flags.Contains(flag);

    /// <summary>The value of an argument; null if it was not given.</summary>
    public string? Value(string name) => _values.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
}
