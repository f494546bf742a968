namespace Updraft.Server.Api;

/// <summary>Something else that the program does with the server's settings and parts, without serving.</summary>
/// <param name="RunAsync">Does it; returns the exit code.</param>
internal sealed record SubCommand(Func<IServiceProvider, SubCommandArguments, CancellationToken, Task<int>> RunAsync)
{
    /// <summary>What <c>--help</c> after its name prints; the server's help when null.</summary>
    public string? Help { get; init; }

    /// <summary>Arguments of its own that stand alone, such as <c>--json</c>.</summary>
    public IReadOnlyList<string> Flags { get; init; } = ["--json"];

    /// <summary>Arguments of its own that are followed by a value.</summary>
    public IReadOnlyList<string> Values { get; init; } = [];
}

/// <summary>What stood on the command line beside the server's settings.</summary>
internal sealed class SubCommandArguments
{
    private readonly HashSet<string> _flags = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    /// <summary>Takes the arguments of its own out of a command line.</summary>
    /// <param name="command">Says which those are.</param>
    /// <param name="args">What follows its name.</param>
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

    /// <summary>Whether a flag was there.</summary>
    public bool Has(string flag) => _flags.Contains(flag);

    /// <summary>The value of an argument; null when there is none.</summary>
    public string? Value(string name) => _values.GetValueOrDefault(name) is { Length: > 0 } value ? value : null;
}
