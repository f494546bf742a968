using Updraft.Agent.Images;
using Updraft.Protocol;

namespace Updraft.Agent.Tests.Support;

/// <summary>Base class of tests that roll out images in a <see cref="StandInCluster"/>.</summary>
public abstract class KubernetesRollouts : IAsyncDisposable
{
    private protected const string Old = "apache/airflow:3.1.0", Registry = "registry.example.com:5000/org/deployment";
    private protected static readonly TimeSpan Soon = TimeSpan.FromSeconds(100), Never = TimeSpan.FromHours(4);
    private protected static readonly string Good = $"{Registry}@sha256:{new string('a', 64)}", Broken = $"{Registry}/broken@sha256:{new string('b', 64)}";
    private protected static readonly ImageReference GoodImage = new(Registry, "deploy-2", $"sha256:{new string('a', 64)}");
    private protected static readonly ImageReference BrokenImage = new($"{Registry}/broken", "deploy-3", $"sha256:{new string('b', 64)}");

    private readonly StepLog _steps = new(TimeProvider.System);
    private StandInCluster? _cluster;

    private protected StandInCluster Cluster => _cluster!;

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
        GC.SuppressFinalize(this);
    }

    /// <summary>Starts a cluster with a release of Airflow's chart: a scheduler with sidecars, and a StatefulSet of workers.</summary>
    private protected async Task StartAsync(bool isSecure = false)
    {
        _cluster = await StandInCluster.StartAsync(isSecure);
        Cluster.Workloads.Add("deployments", "airflow-scheduler", "scheduler", $"init:wait-for-airflow-migrations={Old}", "init:git-sync-init=git-sync:4",
            $"scheduler={Old}", "git-sync=git-sync:4", $"scheduler-log-groomer={Old}");
        Cluster.Workloads.Add("statefulsets", "airflow-worker", "worker", $"worker={Old}");
    }

    private protected Task RollOutAsync(ImageReference image, ImageReference? before = null, string? selector = null, string[]? containers = null,
        KubernetesConnection? connection = null, CancellationToken? cancellationToken = null, TimeSpan? limit = null,
        TimeSpan? restoreLimit = null)
    {
        var problems = new List<string>();
        var options = KubernetesOptions.Read(null, selector, selector is null ? "prod" : null, containers is null ? null : string.Join(',', containers), problems)!;
        Assert.Empty(problems);
        return new KubernetesDriver(connection ?? Cluster.Connection, StandInCluster.Space, options, limit ?? Never, new FastClock(50)) { RestoreLimit = restoreLimit ?? Never }
            .RollOutAsync(image, before, _steps, cancellationToken ?? TestContext.Current.CancellationToken);
    }

    private protected string Images(string resource, string name) => Cluster.Workloads.Images(resource, name);

    private protected string? Annotation(string resource, string name, string annotation) =>
        (string?)Cluster.Workloads.Get(resource, name)!["metadata"]!["annotations"]?[annotation];

    private protected string? Record(string resource, string name) => Annotation(resource, name, "updraft.io/image-rollout");

    private protected List<string> Steps() => [.. _steps.Report().Select(step => $"{step.Name} {step.Status.ToString().ToUpperInvariant()}").Order(StringComparer.Ordinal)];

    private protected string Log(string step) => string.Join('\n', _steps.Report().Single(one => one.Name == step).Log.Select(line => line.Text));
}
