using System.Globalization;
using Updraft.Agent.Images;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests.Images;

/// <summary>Images in a cluster, of which <see cref="StandInCluster"/> is a stand-in.</summary>
public sealed class KubernetesDriverTests : IAsyncDisposable
{
    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(100), Never = TimeSpan.FromHours(4);
    private const string Old = "apache/airflow:3.1.0", Registry = "registry.example.com:5000/org/deployment";
    private static readonly string Good = $"{Registry}@sha256:{new string('a', 64)}", Broken = $"{Registry}/broken@sha256:{new string('b', 64)}";
    private static readonly ImageReference GoodImage = new(Registry, "deploy-2", $"sha256:{new string('a', 64)}");
    private static readonly ImageReference BrokenImage = new($"{Registry}/broken", "deploy-3", $"sha256:{new string('b', 64)}");

    private readonly StepLog _steps = new(TimeProvider.System);
    private StandInCluster? _cluster;

    private StandInCluster Cluster => _cluster!;

    public async ValueTask DisposeAsync()
    {
        if (_cluster is not null)
            await _cluster.DisposeAsync();
    }

    [Fact]
    public async Task A_release_of_the_chart_gets_the_image_and_its_other_containers_keep_theirs()
    {
        await StartAsync();
        Cluster.Workloads.Add("deployments", "airflow-statsd", "statsd", "statsd=quay.io/prometheus/statsd-exporter:v0.28");
        Cluster.Workloads.Add("statefulsets", "airflow-redis", "redis", "redis=redis:7");

        await RollOutAsync(GoodImage);

        Assert.Equal($"wait-for-airflow-migrations={Good} git-sync-init=git-sync:4 scheduler={Good} git-sync=git-sync:4 scheduler-log-groomer={Good}",
            Images("deployments", "airflow-scheduler"));
        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
        Assert.Equal("statsd=quay.io/prometheus/statsd-exporter:v0.28", Images("deployments", "airflow-statsd"));
        Assert.Equal("redis=redis:7", Images("statefulsets", "airflow-redis"));
        Assert.Equal(["image COMPLETED", "image/deployment/airflow-scheduler COMPLETED", "image/statefulset/airflow-worker COMPLETED"], Steps());
        Assert.Contains("2 of 2 replicas updated and available", Log("image/deployment/airflow-scheduler"), StringComparison.Ordinal);
        Assert.Contains($"scheduler: {Old} becomes {Good}", Log("image/deployment/airflow-scheduler"), StringComparison.Ordinal);
        Assert.Null(Record("deployments", "airflow-scheduler"));
        Assert.Equal($"updraft-agent: {Good}", Annotation("deployments", "airflow-scheduler", "kubernetes.io/change-cause"));
    }

    [Fact]
    public async Task Containers_can_be_named()
    {
        await StartAsync();

        await RollOutAsync(GoodImage, containers: ["scheduler", "git-sync"]);

        Assert.Equal($"wait-for-airflow-migrations={Old} git-sync-init=git-sync:4 scheduler={Good} git-sync={Good} scheduler-log-groomer={Old}",
            Images("deployments", "airflow-scheduler"));
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
        Assert.Contains("StatefulSet airflow-worker is left alone", Log("image"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_without_a_digest_is_set_by_its_tag()
    {
        await StartAsync();

        await RollOutAsync(new ImageReference(Registry, "deploy-2"));

        Assert.Equal($"worker={Registry}:deploy-2", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task What_runs_already_is_left_alone()
    {
        await StartAsync();
        await RollOutAsync(GoodImage);
        var patches = Cluster.Count("patch");

        await RollOutAsync(GoodImage);

        Assert.Equal(patches, Cluster.Count("patch"));
    }

    [Fact]
    public async Task A_rollout_that_was_interrupted_is_waited_for_and_a_failure_still_brings_back_what_ran_at_first()
    {
        await StartAsync();
        using var stop = new CancellationTokenSource();
        Cluster.Workloads.Progressed = _ => stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RollOutAsync(BrokenImage, cancellationToken: stop.Token));
        Assert.Equal($"worker={Broken}", Images("statefulsets", "airflow-worker"));
        Cluster.Workloads.Progressed = null;

        // Another agent, or the same one after a restart: it has never seen the old image.
        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.True(failure.IsRestored);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rollout_that_was_left_for_a_newer_image_is_not_what_a_failure_brings_back()
    {
        await StartAsync();
        Cluster.Workloads.IsAsleep = true;
        using var stop = new CancellationTokenSource();
        Cluster.Intercept = (verb, _, _) =>
        {
            if (verb == "watch")
                stop.Cancel();
            return null;
        };
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RollOutAsync(GoodImage, cancellationToken: stop.Token));
        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
        (Cluster.Intercept, Cluster.Workloads.IsAsleep) = (null, false);

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task A_record_that_was_left_over_by_a_success_brings_nothing_back()
    {
        await StartAsync();
        var left = 0;
        Cluster.Intercept = (verb, _, _) => verb == "patch" && ++left > 2 ? 400 : null;
        await RollOutAsync(GoodImage);
        Assert.NotNull(Record("statefulsets", "airflow-worker"));
        Cluster.Intercept = null;

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, before: GoodImage, limit: Soon));

        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task A_deadline_that_passes_undoes_the_rollout_and_says_why_the_pods_are_not_ready()
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));

        Assert.Contains("Deployment airflow-scheduler: the cluster gave it up", failure.Message, StringComparison.Ordinal);
        Assert.Contains("Failed to pull the image", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("What ran before runs again.", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsRestored);
        Assert.Contains("ImagePullBackOff: Back-off pulling image", Log("image/deployment/airflow-scheduler"), StringComparison.Ordinal);
        Assert.Single(Log("image/deployment/airflow-scheduler").Split('\n'), line => line.StartsWith("Pod airflow-scheduler-pod: Failed", StringComparison.Ordinal));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Equal(["image FAILED", "image-restore COMPLETED", "image/deployment/airflow-scheduler FAILED", "image/statefulset/airflow-worker FAILED"], Steps());
    }

    [Fact]
    public async Task A_deadline_that_passed_before_is_not_this_rollout_s()
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;
        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));
        Cluster.Workloads.Change("deployments", "airflow-scheduler", workload => workload["status"]!["conditions"] =
            System.Text.Json.Nodes.JsonNode.Parse("""[{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": "then" }]"""));

        await RollOutAsync(GoodImage);

        Assert.Contains($"scheduler={Good}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_rollout_that_takes_too_long_is_undone_and_a_pod_that_is_in_the_way_is_deleted()
    {
        await StartAsync();

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.Contains("did not get there within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("StatefulSet airflow-worker: 1 of 2 replicas updated", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsRestored);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
        Assert.Equal(1, Cluster.Count("delete pods airflow-worker-pod"));
        Assert.Equal(0, Cluster.Count("delete pods airflow-scheduler"));
    }

    [Fact]
    public async Task The_Role_in_packaging_grants_what_is_used_and_nothing_else()
    {
        await StartAsync();

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.Equal(Cluster.Granted.Order(StringComparer.Ordinal),
            Cluster.Requests.Select(request => string.Join(' ', request.Split(' ')[..2])).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Without_the_right_to_delete_pods_the_way_to_do_it_is_said()
    {
        await StartAsync();
        Cluster.Forbidden["delete pods"] = true;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon, restoreLimit: Soon));

        Assert.False(failure.IsRestored);
        Assert.Contains("StatefulSet airflow-worker was not back within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("kubectl -n airflow delete pod airflow-worker-pod", Log("image-restore"), StringComparison.Ordinal);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task What_somebody_else_has_set_meanwhile_is_left_alone()
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;
        Cluster.Intercept = (verb, resource, name) =>
        {
            if (verb == "get" && name == "airflow-worker")
                Cluster.Workloads.SetImage("statefulsets", "airflow-worker", "worker", "somebody/else:1");
            return null;
        };

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));

        Assert.Equal("worker=somebody/else:1", Images("statefulsets", "airflow-worker"));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Contains("StatefulSet airflow-worker: is left alone: somebody else has set somebody/else:1", Log("image-restore"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_somebody_else_sets_during_the_rollout_ends_it()
    {
        await StartAsync();
        Cluster.Workloads.Progressed = name =>
        {
            if (name == "airflow-worker" && Images("statefulsets", name) == $"worker={Good}")
                Cluster.Workloads.SetImage("statefulsets", name, "worker", "somebody/else:1");
        };

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains("StatefulSet airflow-worker: somebody else has set somebody/else:1", failure.Message, StringComparison.Ordinal);
        Assert.Equal("worker=somebody/else:1", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task A_conflict_is_tried_again_with_what_the_workload_is_now()
    {
        await StartAsync();
        var strangers = 0;
        Cluster.Intercept = (verb, _, name) =>
        {
            if (verb == "patch" && name == "airflow-scheduler" && ++strangers <= 3)
                Cluster.Workloads.SetImage("deployments", name, "git-sync", string.Create(CultureInfo.InvariantCulture, $"git-sync:{strangers + 4}"));
            return null;
        };

        await RollOutAsync(GoodImage);

        Assert.Contains($"scheduler={Good} git-sync=git-sync:7", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Endless_conflicts_end_the_rollout()
    {
        await StartAsync();
        Cluster.Intercept = (verb, _, name) => verb == "patch" && name == "airflow-worker" ? 409 : null;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains("StatefulSet airflow-worker is changed by others all the time", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_answer_that_got_lost_does_not_lose_what_ran_before()
    {
        await StartAsync();
        var isFirst = true;
        Cluster.Intercept = (verb, _, name) =>
        {
            if (verb != "patch" || name != "airflow-worker" || !isFirst)
                return null;
            isFirst = false;
            Cluster.Workloads.SetImage("statefulsets", name, "worker", Broken);
            return 500;
        };

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
    }

    [Theory]
    [InlineData("patch statefulsets", "apiGroups [\"apps\"], resources [\"statefulsets\"], verbs [\"patch\"]")]
    [InlineData("list deployments", "apiGroups [\"apps\"], resources [\"deployments\"], verbs [\"list\"]")]
    [InlineData("watch statefulsets", "apiGroups [\"apps\"], resources [\"statefulsets\"], verbs [\"watch\"]")]
    public async Task A_missing_right_is_named_and_nothing_stays_changed(string right, string rule)
    {
        await StartAsync();
        Cluster.Forbidden[right] = true;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains($"does not let the agent {right} in the namespace airflow", failure.Message, StringComparison.Ordinal);
        Assert.Contains(rule, failure.Message, StringComparison.Ordinal);
        Assert.Contains("User \"system:serviceaccount:airflow:agent\" cannot", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Without_the_right_to_see_pods_the_rollout_goes_on()
    {
        await StartAsync();
        Cluster.Forbidden["list events"] = Cluster.Forbidden["list pods"] = true;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon, restoreLimit: Soon));

        Assert.Contains("did not get there within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("resources [\"events\"], verbs [\"list\"]", Log("image"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Nothing_that_matches_is_a_failure()
    {
        await StartAsync();

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage, selector: "app=other"));
        Assert.Contains("No Deployment and no StatefulSet in the namespace airflow has the labels 'app=other'", failure.Message, StringComparison.Ordinal);

        failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage, containers: ["sheduler"]));
        Assert.Contains("has a container sheduler", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, Cluster.Count("patch"));
    }

    [Fact]
    public async Task A_watch_that_is_cut_goes_on_where_it_was_and_one_that_is_too_old_begins_again()
    {
        await StartAsync();
        var steps = 0;
        Cluster.Workloads.Progressed = _ =>
        {
            if (Interlocked.Increment(ref steps) % 2 == 0)
                Cluster.Workloads.Compact();
            Cluster.CutWatches();
        };

        await RollOutAsync(GoodImage);

        Assert.True(Cluster.Count("watch deployments") > 1);
        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task A_cluster_that_does_not_answer_is_asked_again()
    {
        await StartAsync();
        var requests = 0;
        Cluster.Intercept = (_, _, _) => Interlocked.Increment(ref requests) % 3 == 1 ? 503 : null;

        await RollOutAsync(GoodImage);

        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
        Assert.Contains("asked again: The cluster answers 503", Log("image"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_workload_that_is_deleted_is_not_waited_for()
    {
        await StartAsync();
        Cluster.Workloads.Progressed = name =>
        {
            if (name == "airflow-worker" && Cluster.Workloads.Get("statefulsets", name) is not null)
                Cluster.Workloads.Delete("statefulsets", name);
        };

        await RollOutAsync(GoodImage);

        Assert.Contains("It is gone", Log("image/statefulset/airflow-worker"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "type": "OnDelete" }""", "updateStrategy OnDelete")]
    [InlineData("""{ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } }""", "pods below 1 keep their image")]
    public async Task A_StatefulSet_that_replaces_pods_in_its_own_way_is_not_waited_for_longer(string strategy, string said)
    {
        await StartAsync();
        Cluster.Workloads.Change("statefulsets", "airflow-worker", workload =>
        {
            workload["spec"]!["updateStrategy"] = System.Text.Json.Nodes.JsonNode.Parse(strategy);
            workload["status"]!["observedGeneration"] = 2;
        });
        Cluster.Workloads.Fate = _ => PodFate.Broken;
        Cluster.Workloads.Delete("deployments", "airflow-scheduler");

        await RollOutAsync(GoodImage);

        Assert.Contains(said, Log("image/statefulset/airflow-worker"), StringComparison.Ordinal);
        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task It_works_as_in_a_pod_with_TLS_and_a_token_that_is_replaced()
    {
        await StartAsync(isSecure: true);
        var environment = new Dictionary<string, string>
        {
            ["KUBERNETES_SERVICE_HOST"] = Cluster.Address.Host,
            ["KUBERNETES_SERVICE_PORT"] = Cluster.Address.Port.ToString(CultureInfo.InvariantCulture),
        };
        var connection = KubernetesConnection.InPod(environment.GetValueOrDefault, Cluster.Folder);
        Cluster.Workloads.Progressed = _ =>
        {
            Cluster.Token = "next-token";
            File.WriteAllText(Path.Join(Cluster.Folder, "token"), Cluster.Token);
            Cluster.CutWatches();
        };

        Assert.Equal((Cluster.Address, StandInCluster.Space), (connection.Server, connection.Namespace()));
        await RollOutAsync(GoodImage, connection: connection);

        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Another_authority_than_the_cluster_s_is_not_trusted()
    {
        await StartAsync(isSecure: true);
        await using var other = await StandInCluster.StartAsync(isSecure: true);
        File.Copy(Path.Join(other.Folder, "ca.crt"), Path.Join(Cluster.Folder, "ca.crt"), overwrite: true);

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage, limit: Soon));

        Assert.Contains("did not get there within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("SSL connection could not be established", Log("image"), StringComparison.Ordinal);
        Assert.Empty(Cluster.Requests);
    }

    [Fact]
    public async Task A_token_that_is_not_accepted_is_said()
    {
        await StartAsync();
        Cluster.Token = "another";

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains("does not accept the token of the agent's service account", failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Outside_a_pod_the_agent_says_what_is_missing()
    {
        var options = new KubernetesOptions { Selector = "a=b" };

        var ended = Assert.Throws<AgentExitException>(() => KubernetesDriver.Create(options, TimeSpan.FromMinutes(10), _ => null, TimeProvider.System));

        Assert.Equal(ExitCode.Configuration, ended.Code);
        Assert.Contains("KUBERNETES_SERVICE_HOST is not set", ended.Message, StringComparison.Ordinal);
    }

    /// <summary>A release of Airflow's chart: a scheduler with its sidecars, and workers that are a StatefulSet.</summary>
    private async Task StartAsync(bool isSecure = false)
    {
        _cluster = await StandInCluster.StartAsync(isSecure);
        Cluster.Workloads.Add("deployments", "airflow-scheduler", "scheduler", $"init:wait-for-airflow-migrations={Old}", "init:git-sync-init=git-sync:4",
            $"scheduler={Old}", "git-sync=git-sync:4", $"scheduler-log-groomer={Old}");
        Cluster.Workloads.Add("statefulsets", "airflow-worker", "worker", $"worker={Old}");
    }

    private Task RollOutAsync(ImageReference image, ImageReference? before = null, string? selector = null, string[]? containers = null,
        KubernetesConnection? connection = null, CancellationToken? cancellationToken = null, TimeSpan? limit = null,
        TimeSpan? restoreLimit = null)
    {
        var problems = new List<string>();
        var options = KubernetesOptions.Read(null, selector, selector is null ? "prod" : null, containers is null ? null : string.Join(',', containers), problems)!;
        Assert.Empty(problems);
        return new KubernetesDriver(connection ?? Cluster.Connection, StandInCluster.Space, options, limit ?? Never, new FastClock(50)) { RestoreLimit = restoreLimit ?? Never }
            .RollOutAsync(image, before, _steps, cancellationToken ?? TestContext.Current.CancellationToken);
    }

    private string Images(string resource, string name) => Cluster.Workloads.Images(resource, name);

    private string? Annotation(string resource, string name, string annotation) =>
        (string?)Cluster.Workloads.Get(resource, name)!["metadata"]!["annotations"]?[annotation];

    private string? Record(string resource, string name) => Annotation(resource, name, "updraft.io/image-rollout");

    private List<string> Steps() => [.. _steps.Report().Select(step => $"{step.Name} {step.Status.ToString().ToUpperInvariant()}").Order(StringComparer.Ordinal)];

    private string Log(string step) => string.Join('\n', _steps.Report().Single(one => one.Name == step).Log.Select(line => line.Text));
}
