using Updraft.Agent.Images;

namespace Updraft.Agent;

/// <summary>The token file is missing, unreadable or without a token. A later request reads it again.</summary>
internal sealed class TokenFileException(string message, Exception? cause = null) : IOException(message, cause);

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

    /// <summary>Time limit of <see cref="Once"/>: 1 second to 1 day.</summary>
    public TimeSpan OnceTimeout { get; init; } = TimeSpan.FromSeconds(600);

    /// <summary>Ids of the server keys that the agent accepts; empty for trust on first use.</summary>
    public IReadOnlyList<string> ServerKeys { get; init; } = [];

    /// <summary>Whether the log has plain lines for operators instead of JSON; null for plain lines on a terminal only.</summary>
    public bool? IsLogPlain { get; init; }

    /// <summary>
    /// Names of further environment variables for the check and the image command; see <see cref="CommandEnvironment"/>.
    /// </summary>
    public IReadOnlyList<string> PassedVariables { get; init; } = [];

    /// <exception cref="TokenFileException">The token file cannot be read, or it contains no valid token.</exception>
    public string ReadToken() => Token ?? ParseToken(ReadTokenFile())
        ?? throw new TokenFileException($"The token file '{TokenFile}' does not contain one word of visible ASCII characters. "
            + "Write the agent token to it.");

    private string ReadTokenFile()
    {
        try
        {
            return File.ReadAllText(TokenFile!);
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new TokenFileException($"The token file '{TokenFile}' does not exist. Write the agent token to it, or correct "
                + "--token-file.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new TokenFileException($"The token file '{TokenFile}' cannot be read by the user {Posix.EffectiveUser}: "
                + $"{ErrorReason.Of(exception)}", exception);
        }
    }

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
