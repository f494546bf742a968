using System.Globalization;

namespace Updraft.Rigs;

/// <summary>The command line: <c>COMMAND --name value ...</c>.</summary>
internal sealed class RigOptions
{
    private readonly Dictionary<string, string> _values = new(StringComparer.Ordinal);

    public RigOptions(string[] args)
    {
        Command = args.FirstOrDefault() ?? "";
        for (var i = 1; i + 1 < args.Length; i += 2)
            _values[args[i].TrimStart('-')] = args[i + 1];
    }

    public string Command { get; }

    public int Rounds => Number("rounds", 50);

    public int Seed => Number("seed", 1);

    /// <summary>How many servers work on one database; several need PostgreSQL.</summary>
    public int Replicas => Number("replicas", 1);

    /// <summary>Whether the servers are on PostgreSQL and an object store, rather than on their data folder.</summary>
    public bool IsPostgres => Text("database") switch
    {
        null or "sqlite" => Replicas == 1 ? false : throw new InvalidOperationException("--replicas needs --database postgres."),
        "postgres" => true,
        var other => throw new InvalidOperationException($"--database is sqlite or postgres, not {other}."),
    };

    public string ServerDll => Path.GetFullPath(Text("server-dll") ?? throw new InvalidOperationException("--server-dll is missing."));

    public string AgentBinary => Path.GetFullPath(Text("agent-bin") ?? throw new InvalidOperationException("--agent-bin is missing."));

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public int Number(string name, int otherwise) =>
        Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
