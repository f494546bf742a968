namespace Updraft.Bench;

/// <summary>Options of the command line.</summary>
internal sealed record BenchOptions
{
    public required string ServerDll { get; init; }

    public required string AgentBin { get; init; }

    public required string Registry { get; init; }

    public required string Nginx { get; init; }

    /// <summary>Path of the script that starts a PostgreSQL; null to skip the benchmarks that need one.</summary>
    public string? Postgres { get; init; }

    /// <summary>Directory for all data of the benchmarks; empty at the end.</summary>
    public required string Work { get; init; }

    /// <summary>Page that contains the table; null to print the table only.</summary>
    public string? Report { get; init; }

    /// <summary>Ids of the benchmarks to run; empty for all.</summary>
    public required IReadOnlySet<string> Only { get; init; }

    /// <summary>Whether to take fewer and shorter samples, as a test of the benchmarks.</summary>
    public bool IsQuick { get; init; }

    public static BenchOptions Parse(string[] arguments)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var only = new HashSet<string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < arguments.Length; i++)
        {
            if (arguments[i] == "--quick")
                values[arguments[i]] = "";
            else if (arguments[i].StartsWith("--", StringComparison.Ordinal) && i + 1 < arguments.Length)
                values[arguments[i]] = arguments[++i];
            else
                only.Add(arguments[i]);
        }
        return new()
        {
            ServerDll = Path.GetFullPath(Needed("--server-dll")),
            AgentBin = Path.GetFullPath(Needed("--agent-bin")),
            Registry = Needed("--registry"),
            Nginx = Needed("--nginx"),
            Postgres = values.GetValueOrDefault("--postgres"),
            Work = Path.GetFullPath(Needed("--work")),
            Report = values.GetValueOrDefault("--report"),
            Only = only,
            IsQuick = values.ContainsKey("--quick"),
        };

        string Needed(string name) => values.GetValueOrDefault(name) ?? throw new BenchException($"{name} is missing; start ./bench.");
    }

    public bool Wants(string id) => Only.Count == 0 || Only.Contains(id);

    /// <summary>This number of samples; about a fifth of them with <see cref="IsQuick"/>.</summary>
    public int Samples(int count) => IsQuick ? Math.Max(1, count / 5) : count;

    public string NewFolder(string name)
    {
        var folder = Path.Join(Work, name);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        return Directory.CreateDirectory(folder).FullName;
    }
}
