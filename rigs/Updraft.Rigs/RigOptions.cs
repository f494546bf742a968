using System.Globalization;

namespace Updraft.Rigs;

/// <summary>Options of the command line <c>COMMAND --name value ...</c>.</summary>
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

    /// <summary>Number of servers on one database; more than one needs PostgreSQL.</summary>
    public int Replicas => Number("replicas", 1);

    /// <summary>Whether the servers use PostgreSQL and an object store instead of their data directory.</summary>
    public bool IsPostgres => Text("database") switch
    {
        null or "sqlite" => Replicas == 1 ? false : throw new InvalidOperationException("--replicas needs --database postgres."),
        "postgres" => true,
        var other => throw new InvalidOperationException($"--database is '{other}'. Set it to sqlite or postgres."),
    };

    public string ServerDll => Path.GetFullPath(Text("server-dll") ?? throw new InvalidOperationException("--server-dll is missing."));

    public string AgentBinary => Path.GetFullPath(Text("agent-bin") ?? throw new InvalidOperationException("--agent-bin is missing."));

    public string? Text(string name) => _values.GetValueOrDefault(name);

    public int Number(string name, int otherwise) =>
        Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : otherwise;
}
