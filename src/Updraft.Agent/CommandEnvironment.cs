namespace Updraft.Agent;

/// <summary>
/// The environment of the check and of the image command. They run code of users who deploy, so they get only listed variables of the
/// agent's environment, and never its token or the headers for the collector.
/// </summary>
internal static class CommandEnvironment
{
    private const string OwnPrefix = "UPDRAFT_AGENT_", CollectorPrefix = "OTEL_", Credentials = "CREDENTIALS_DIRECTORY";

    /// <summary>Names that always pass. A name that ends with <c>*</c> is a prefix.</summary>
    public static readonly IReadOnlyList<string> Names =
    [
        "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "LC_*", "TZ", "TMPDIR", "XDG_RUNTIME_DIR",
        "LD_LIBRARY_PATH", "SSL_CERT_FILE", "SSL_CERT_DIR", "VIRTUAL_ENV", "PYTHONPATH", "PYTHONHOME", "AIRFLOW_HOME",
        "DOCKER_HOST", "DOCKER_CONFIG", "DOCKER_CONTEXT", "COMPOSE_*", "KUBECONFIG",
    ];

    /// <summary>Reason why a name cannot be passed, as the end of a sentence; null if it can.</summary>
    public static string? Problem(string name)
    {
        var stem = name.EndsWith('*') ? name[..^1] : name;
        if (name.Length == 0 || !stem.All(c => char.IsAsciiLetterOrDigit(c) || c == '_'))
            return $"contains '{name}'. A name has letters, digits and underscores, and may end with *.";
        return Matches(OwnPrefix + "TOKEN", name) || Matches(OwnPrefix + "TOKEN_FILE", name) || Matches(Credentials, name)
            ? $"contains '{name}', which includes the token of the agent. Commands must not get it. Name other variables."
            : null;
    }

    /// <summary>Selects the variables that a command gets.</summary>
    /// <param name="environment">Environment of the agent.</param>
    /// <param name="passed">Further names that the operator allows.</param>
    public static IEnumerable<KeyValuePair<string, string>> Select(
        IEnumerable<KeyValuePair<string, string>> environment, IReadOnlyList<string> passed) => environment.Where(variable =>
            passed.Any(name => Matches(variable.Key, name)) || Names.Any(name => Matches(variable.Key, name))
                && !variable.Key.StartsWith(OwnPrefix, StringComparison.Ordinal)
                && !variable.Key.StartsWith(CollectorPrefix, StringComparison.Ordinal));

    private static bool Matches(string variable, string name) =>
        name.EndsWith('*') ? variable.StartsWith(name[..^1], StringComparison.Ordinal) : variable == name;
}
