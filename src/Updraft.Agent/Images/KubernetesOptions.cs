namespace Updraft.Agent.Images;

/// <summary>Workloads that the driver <c>kubernetes</c> changes.</summary>
internal sealed record KubernetesOptions
{
    /// <summary>
    /// Components of Airflow's official Helm chart that run the Airflow image. Others, such as statsd and redis, have their own images.
    /// </summary>
    private const string ChartComponents = "scheduler,webserver,api-server,dag-processor,triggerer,worker,flower";

    /// <summary>Namespace of the workloads; null for that of the agent's pod.</summary>
    public string? Namespace { get; init; }

    /// <summary>Label selector of the Deployments and StatefulSets.</summary>
    public required string Selector { get; init; }

    /// <summary>
    /// Names of the containers and init containers that get the image. If empty: the main container, and all with an image of its
    /// repository.
    /// </summary>
    public IReadOnlyList<string> Containers { get; init; } = [];

    /// <summary>Reads the options of the command line. A null value means that the option is absent.</summary>
    /// <param name="namespace">Value of <c>--kube-namespace</c>.</param>
    /// <param name="selector">Value of <c>--kube-selector</c>.</param>
    /// <param name="release">Value of <c>--kube-release</c>.</param>
    /// <param name="containers">Value of <c>--kube-containers</c>: names, separated by commas.</param>
    /// <param name="problems">Receives a message for each invalid option.</param>
    /// <returns>Null if all options are absent, or if one is invalid.</returns>
    public static KubernetesOptions? Read(string? @namespace, string? selector, string? release, string? containers, List<string> problems)
    {
        if ((@namespace ?? selector ?? release ?? containers) is null)
            return null;
        var before = problems.Count;
        string[] names = [.. (containers ?? "").Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)];
        if (selector is null == release is null)
            problems.Add("Set either --kube-selector or --kube-release, which select the workloads that get the image.");
        foreach (var (option, value) in new[] { ("--kube-namespace", @namespace), ("--kube-release", release) })
        {
            if (value is not null && !IsName(value))
                problems.Add($"{option} is '{value}'. It must be a name of at most 63 lower-case letters, digits, '-' and '.'.");
        }
        if (names.FirstOrDefault(name => !IsName(name)) is { } wrong)
            problems.Add($"--kube-containers has '{wrong}', which is not the name of a container. Separate names by commas.");
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
