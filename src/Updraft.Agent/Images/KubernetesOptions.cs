namespace Updraft.Agent.Images;

/// <summary>Which workloads the driver <c>kubernetes</c> changes.</summary>
internal sealed record KubernetesOptions
{
    /// <summary>
    /// The components of Airflow's own Helm chart that run Airflow's image: the others, e.g. statsd and redis, run one of their own.
    /// </summary>
    private const string ChartComponents = "scheduler,webserver,api-server,dag-processor,triggerer,worker,flower";

    /// <summary>The namespace; null for that of the agent's pod.</summary>
    public string? Namespace { get; init; }

    /// <summary>Label selector of the Deployments and StatefulSets.</summary>
    public required string Selector { get; init; }

    /// <summary>
    /// Names of the containers and init containers whose image is set. When empty: those that run the main container's image.
    /// </summary>
    public IReadOnlyList<string> Containers { get; init; } = [];

    /// <summary>Reads what was given on the command line.</summary>
    /// <param name="namespace">The namespace.</param>
    /// <param name="selector">A label selector.</param>
    /// <param name="release">Name of a release of Airflow's Helm chart; instead of a selector.</param>
    /// <param name="containers">Names of containers, separated by commas.</param>
    /// <param name="problems">Where to add what is wrong.</param>
    /// <returns>Null when nothing was given, or something wrong.</returns>
    public static KubernetesOptions? Read(string? @namespace, string? selector, string? release, string? containers, List<string> problems)
    {
        if ((@namespace ?? selector ?? release ?? containers) is null)
            return null;
        var before = problems.Count;
        string[] names = [.. (containers ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        if (selector is null == release is null)
            problems.Add("Give either --kube-selector or --kube-release: they choose the workloads that run the image.");
        foreach (var (option, value) in new[] { ("--kube-namespace", @namespace), ("--kube-release", release) })
        {
            if (value is not null && !IsName(value))
                problems.Add($"{option} must be a name of at most 63 lower-case letters, digits, '-' and '.', not '{value}'.");
        }
        if (names.FirstOrDefault(name => !IsName(name)) is { } wrong)
            problems.Add($"--kube-containers must be names of containers, separated by commas; '{wrong}' is none.");
        return problems.Count > before ? null : new KubernetesOptions
        {
            Namespace = @namespace,
            Selector = selector ?? $"tier=airflow,release={release},component in ({ChartComponents})",
            Containers = names,
        };
    }

    private static bool IsName(string text) => text.Length is > 0 and <= 63
        && text.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c is '-' or '.')
        && char.IsAsciiLetterOrDigit(text[0]) && char.IsAsciiLetterOrDigit(text[^1]);
}
