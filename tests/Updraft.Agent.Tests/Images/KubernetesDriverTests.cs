using System.Globalization;
using System.Text.Json.Nodes;
using Updraft.Agent.Images;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests.Images;

/// <summary>Successful rollouts in a cluster.</summary>
public sealed class KubernetesDriverTests : KubernetesRollouts
{
    [Fact]
    public async Task Chart_release_gets_image_and_other_containers_keep_theirs()
    {
        await StartAsync();
        Cluster.Workloads.Add("deployments", "airflow-statsd", "statsd", "statsd=quay.io/prometheus/statsd-exporter:v0.28");
        Cluster.Workloads.Add("statefulsets", "airflow-redis", "redis", "redis=redis:7");

        await RollOutAsync(GoodImage);

        Assert.Equal($"wait-for-airflow-migrations={Good} git-sync-init=git-sync:4 scheduler={Good} git-sync=git-sync:4 "
            + $"scheduler-log-groomer={Good}", Images("deployments", "airflow-scheduler"));
        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
        Assert.Equal("statsd=quay.io/prometheus/statsd-exporter:v0.28", Images("deployments", "airflow-statsd"));
        Assert.Equal("redis=redis:7", Images("statefulsets", "airflow-redis"));
        Assert.Equal(["image COMPLETED", "image/deployment/airflow-scheduler COMPLETED",
            "image/statefulset/airflow-worker COMPLETED"], Steps());
        Assert.Contains("2 of 2 replicas updated and available", Log("image/deployment/airflow-scheduler"), StringComparison.Ordinal);
        Assert.Contains($"scheduler: {Old} becomes {Good}", Log("image/deployment/airflow-scheduler"), StringComparison.Ordinal);
        Assert.Null(Record("deployments", "airflow-scheduler"));
        Assert.Equal($"updraft-agent: {Good}", Annotation("deployments", "airflow-scheduler", "kubernetes.io/change-cause"));
    }

    [Fact]
    public async Task Only_named_containers_get_the_image()
    {
        await StartAsync();

        await RollOutAsync(GoodImage, containers: ["scheduler", "git-sync"]);

        Assert.Equal($"wait-for-airflow-migrations={Old} git-sync-init=git-sync:4 scheduler={Good} git-sync={Good} "
            + $"scheduler-log-groomer={Old}", Images("deployments", "airflow-scheduler"));
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
        Assert.Contains("StatefulSet airflow-worker stays as it is", Log("image"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_without_digest_is_set_by_tag()
    {
        await StartAsync();

        await RollOutAsync(new ImageReference(Registry, "deploy-2"));

        Assert.Equal($"worker={Registry}:deploy-2", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Running_image_is_not_patched_again()
    {
        await StartAsync();
        await RollOutAsync(GoodImage);
        var patches = Cluster.Count("patch");

        await RollOutAsync(GoodImage);

        Assert.Equal(patches, Cluster.Count("patch"));
    }

    [Fact]
    public async Task Conflict_is_retried_with_current_workload()
    {
        await StartAsync();
        var changes = 0;
        Cluster.Intercept = (verb, _, name) =>
        {
            if (verb == "patch" && name == "airflow-scheduler" && ++changes <= 3)
                Cluster.Workloads.SetImage("deployments", name, "git-sync",
                    string.Create(CultureInfo.InvariantCulture, $"git-sync:{changes + 4}"));
            return null;
        };

        await RollOutAsync(GoodImage);

        Assert.Contains($"scheduler={Good} git-sync=git-sync:7", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Interrupted_watch_continues_and_expired_watch_restarts()
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
    public async Task Request_to_unavailable_cluster_is_retried()
    {
        await StartAsync();
        var requests = 0;
        Cluster.Intercept = (_, _, _) => Interlocked.Increment(ref requests) % 3 == 1 ? 503 : null;

        await RollOutAsync(GoodImage);

        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
        Assert.Contains("retrying. Reason: The cluster responded with status 503", Log("image"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Deleted_workload_is_not_waited_for()
    {
        await StartAsync();
        Cluster.Workloads.Progressed = name =>
        {
            if (name == "airflow-worker" && Cluster.Workloads.Get("statefulsets", name) is not null)
                Cluster.Workloads.Delete("statefulsets", name);
        };

        await RollOutAsync(GoodImage);

        Assert.Contains("It was deleted", Log("image/statefulset/airflow-worker"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{ "type": "OnDelete" }""", "updateStrategy OnDelete")]
    [InlineData("""{ "type": "RollingUpdate", "rollingUpdate": { "partition": 1 } }""", "pods below 1 keep their image")]
    public async Task StatefulSet_with_OnDelete_or_partition_is_not_waited_for(string strategy, string logged)
    {
        await StartAsync();
        Cluster.Workloads.Change("statefulsets", "airflow-worker", workload =>
        {
            workload["spec"]!["updateStrategy"] = JsonNode.Parse(strategy);
            workload["status"]!["observedGeneration"] = 2;
        });
        Cluster.Workloads.Fate = _ => PodFate.Broken;
        Cluster.Workloads.Delete("deployments", "airflow-scheduler");

        await RollOutAsync(GoodImage);

        Assert.Contains(logged, Log("image/statefulset/airflow-worker"), StringComparison.Ordinal);
        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Driver_in_pod_uses_TLS_and_rereads_token()
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
    public void Driver_outside_pod_names_missing_variable()
    {
        var options = new KubernetesOptions { Selector = "a=b" };

        var exception = Assert.Throws<AgentExitException>(() =>
            KubernetesDriver.Create(options, TimeSpan.FromMinutes(10), _ => null, TimeProvider.System));

        Assert.Equal(ExitCode.Configuration, exception.Code);
        Assert.Contains("KUBERNETES_SERVICE_HOST is not set", exception.Message, StringComparison.Ordinal);
    }
}
