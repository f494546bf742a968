using System.Globalization;
using System.Text.Json.Nodes;
using Updraft.Agent.Images;
using Updraft.Agent.Tests.Support;
using Updraft.Protocol;

namespace Updraft.Agent.Tests.Images;

/// <summary>Images that come to run in a cluster.</summary>
public sealed class KubernetesDriverTests : KubernetesRollouts
{
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
            workload["spec"]!["updateStrategy"] = JsonNode.Parse(strategy);
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
    public void Outside_a_pod_the_agent_says_what_is_missing()
    {
        var options = new KubernetesOptions { Selector = "a=b" };

        var ended = Assert.Throws<AgentExitException>(() => KubernetesDriver.Create(options, TimeSpan.FromMinutes(10), _ => null, TimeProvider.System));

        Assert.Equal(ExitCode.Configuration, ended.Code);
        Assert.Contains("KUBERNETES_SERVICE_HOST is not set", ended.Message, StringComparison.Ordinal);
    }
}
