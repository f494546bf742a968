using Updraft.Agent.Images;

namespace Updraft.Agent;

/// <summary>Options of the agent. Each of them is also an environment variable: UPDRAFT_AGENT_ and its name.</summary>
internal sealed record AgentOptions
{
    /// <summary>Public URL of the server, with its path.</summary>
    public required Uri Server { get; init; }

    /// <summary>The agent token itself; null if <see cref="TokenFile"/> contains it.</summary>
    public string? Token { get; init; }

    /// <summary>File with the token. The agent reads it for each request, so that a new token needs no restart.</summary>
    public string? TokenFile { get; init; }

    /// <summary>Directory that stands for Airflow's home.</summary>
    public required string Root { get; init; }

    public string Component { get; init; } = "airflow";

    public string Host { get; init; } = Environment.MachineName;

    /// <summary>Command that verifies a prepared tree of DAGs; null for none.</summary>
    public string? Check { get; init; }

    /// <summary>Time limit of the check: 1 second to 1 hour.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>Name of the image driver; null if the agent rolls out no images.</summary>
    public string? ImageDriver { get; init; }

    /// <summary>Command of the driver <c>exec</c>; null for other drivers.</summary>
    public string? ImageCommand { get; init; }

    /// <summary>Time limit of an image rollout: 1 second to 1 day. For <c>exec</c>, the restore has a limit of equal length.</summary>
    public TimeSpan ImageTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Smallest number of earlier states that keep their trees: 0 to 1,000.</summary>
    public int KeepTrees { get; init; } = 5;

    /// <summary>Shortest time for which an earlier state keeps its trees: 0 to 10,080 minutes.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Workloads that the image driver <c>kubernetes</c> changes; null without an option for it.</summary>
    public KubernetesOptions? Kubernetes { get; init; }

    /// <summary>Base URL of a collector for OTLP over HTTP; null if the agent sends no spans.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>Headers of requests to the collector, which may contain a secret.</summary>
    public IReadOnlyList<(string Name, string Value)> OtlpHeaders { get; init; } = [];

    /// <summary>Whether the agent exits as soon as the newest revision is active.</summary>
    public bool Once { get; init; }

    /// <exception cref="IOException">The token file cannot be read, or it contains no valid token.</exception>
    public string ReadToken() => Token ?? ParseToken(File.ReadAllText(TokenFile!))
        ?? throw new IOException($"The token file '{TokenFile}' does not contain one word of visible ASCII characters. "
            + "Write the agent token to it.");

    /// <summary>
    /// Parses headers in OpenTelemetry's form: <c>name=value,name=value</c>, with URL-encoded values. It ignores invalid entries.
    /// </summary>
    public static IReadOnlyList<(string Name, string Value)> ParseHeaders(string? text) =>
    [
        .. from entry in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
           let at = entry.IndexOf('=')
           where at > 0
           select (entry[..at].Trim(), Uri.UnescapeDataString(entry[(at + 1)..].Trim())),
    ];

    /// <summary>Parses a token, which is one word of visible ASCII characters; null for any other text.</summary>
    public static string? ParseToken(string? text) =>
        text?.Trim() is { Length: > 0 } token && token.All(c => c is > ' ' and < (char)0x7f) ? token : null;
}
