using System.Text.Json.Nodes;
using Updraft.Agent.Images;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests.Images;

/// <summary>Images that do not come to run in a cluster, and what happens to what ran before.</summary>
public sealed class KubernetesFailureTests : KubernetesRollouts
{
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
            JsonNode.Parse("""[{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": "then" }]"""));
        // The cluster goes on only when the driver has thought about what it says.
        Cluster.Workloads.Progressed = name => SpinWait.SpinUntil(() => name != "airflow-scheduler" || Log("image").Contains("gave it up", StringComparison.Ordinal)
            || Log("image/deployment/airflow-scheduler").Contains("of 2 replicas updated", StringComparison.Ordinal), TimeSpan.FromSeconds(20));

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

    [Theory]
    [InlineData("get")]
    [InlineData("patch")]
    public async Task What_somebody_else_has_set_meanwhile_is_left_alone(string moment)
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;
        Cluster.Intercept = (verb, resource, name) =>
        {
            if (verb == moment && name == "airflow-worker" && Images("statefulsets", name) == $"worker={Broken}")
                Cluster.Workloads.SetImage("statefulsets", "airflow-worker", "worker", "somebody/else:1");
            return null;
        };

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));

        Assert.False(failure.IsRestored);
        Assert.Equal("worker=somebody/else:1", Images("statefulsets", "airflow-worker"));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Contains("StatefulSet airflow-worker: is left alone: somebody else has set somebody/else:1", Log("image-restore"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_image_that_no_agent_has_set_is_not_undone_and_not_said_to_be()
    {
        await StartAsync();
        Cluster.Workloads.SetImage("statefulsets", "airflow-worker", "worker", Broken);

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.False(failure.IsRestored);
        Assert.Equal($"worker={Broken}", Images("statefulsets", "airflow-worker"));
        Assert.Contains("StatefulSet airflow-worker: is left alone: what it ran before is not known", Log("image-restore"), StringComparison.Ordinal);
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
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
}
