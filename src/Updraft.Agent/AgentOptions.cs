using Updraft.Agent.Images;

namespace Updraft.Agent;

/// <summary>What the operator decides. Every option is also an environment variable: UPDRAFT_AGENT_ and its name.</summary>
internal sealed record AgentOptions
{
    /// <summary>Address of the control plane, with the path it is served under.</summary>
    public required Uri Server { get; init; }

    /// <summary>The agent token itself; null when it is read from <see cref="TokenFile"/>.</summary>
    public string? Token { get; init; }

    /// <summary>File that holds the token. Read for every request, so that a new token needs no restart.</summary>
    public string? TokenFile { get; init; }

    /// <summary>The folder that stands for Airflow's home.</summary>
    public required string Root { get; init; }

    public string Component { get; init; } = "airflow";

    public string Host { get; init; } = Environment.MachineName;

    /// <summary>Command that judges a staged tree; null for none.</summary>
    public string? Check { get; init; }

    /// <summary>How long the check may run; 1 second to 1 hour.</summary>
    public TimeSpan CheckTimeout { get; init; } = TimeSpan.FromSeconds(120);

    /// <summary>How images are rolled out; null when this agent rolls out none.</summary>
    public string? ImageDriver { get; init; }

    /// <summary>Command of the driver <c>exec</c>.</summary>
    public string? ImageCommand { get; init; }

    /// <summary>How long an image may take to run, and again to be undone; 1 second to 1 day.</summary>
    public TimeSpan ImageTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Earlier states that keep their trees, at least; 0 to 1,000.</summary>
    public int KeepTrees { get; init; } = 5;

    /// <summary>How long an earlier state keeps its trees, at least; 0 to 10,080 minutes.</summary>
    public TimeSpan KeepFor { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>Which workloads the image driver <c>kubernetes</c> changes; null when none were chosen.</summary>
    public KubernetesOptions? Kubernetes { get; init; }

    /// <summary>Base address of a collector that takes OTLP over HTTP; null for no spans.</summary>
    public Uri? OtlpEndpoint { get; init; }

    /// <summary>Headers that the collector wants, its key among them.</summary>
    public IReadOnlyList<(string Name, string Value)> OtlpHeaders { get; init; } = [];

    /// <summary>Converge to what the server wants now, then end.</summary>
    public bool Once { get; init; }

    /// <exception cref="IOException">The token file cannot be read, or holds no token.</exception>
    public string BearerToken() => Token ?? TokenIn(File.ReadAllText(TokenFile!))
        ?? throw new IOException($"The token file '{TokenFile}' holds no token.");

    /// <summary>Headers in OpenTelemetry's form: <c>name=value,name=value</c>, values as in an address. What is not of the form is left out.</summary>
    public static IReadOnlyList<(string Name, string Value)> HeadersIn(string? text) =>
    [
        .. from entry in (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries)
           let at = entry.IndexOf('=')
           where at > 0
           select (entry[..at].Trim(), Uri.UnescapeDataString(entry[(at + 1)..].Trim())),
    ];

    /// <summary>A token is one word of visible ASCII; null for anything else.</summary>
    public static string? TokenIn(string? text) =>
        text?.Trim() is { Length: > 0 } token && token.All(c => c is > ' ' and < (char)0x7f) ? token : null;
}
