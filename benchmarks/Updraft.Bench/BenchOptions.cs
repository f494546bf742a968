namespace Updraft.Bench;

/// <summary>What the command line says.</summary>
internal sealed record BenchOptions
{
    public required string ServerDll { get; init; }

    public required string AgentBin { get; init; }

    public required string Registry { get; init; }

    public required string Nginx { get; init; }

    /// <summary>The script that starts a PostgreSQL; null when there is none.</summary>
    public string? Postgres { get; init; }

    /// <summary>Where everything that is measured lies; emptied at the end.</summary>
    public required string Work { get; init; }

    /// <summary>Page whose table is written; null to only print.</summary>
    public string? Report { get; init; }

    /// <summary>Which benchmarks to run; empty for all.</summary>
    public required IReadOnlySet<string> Only { get; init; }

    /// <summary>Fewer and shorter samples, to see that everything works.</summary>
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

    /// <summary>So many samples, or a few.</summary>
    public int Samples(int count) => IsQuick ? Math.Max(1, count / 5) : count;

    public string NewFolder(string name)
    {
        var folder = Path.Join(Work, name);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
        return Directory.CreateDirectory(folder).FullName;
    }
}
