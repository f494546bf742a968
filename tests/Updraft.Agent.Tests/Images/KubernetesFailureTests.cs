using System.Text.Json.Nodes;
using Updraft.Agent.Images;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests.Images;

/// <summary>Failed rollouts in a cluster, and the restore of the earlier images.</summary>
public sealed class KubernetesFailureTests : KubernetesRollouts
{
    [Fact]
    public async Task Failure_after_interrupted_rollout_restores_first_image()
    {
        await StartAsync();
        using var stop = new CancellationTokenSource();
        Cluster.Workloads.Progressed = _ => stop.Cancel();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => RollOutAsync(BrokenImage, cancellationToken: stop.Token));
        Assert.Equal($"worker={Broken}", Images("statefulsets", "airflow-worker"));
        Cluster.Workloads.Progressed = null;

        // This is another agent, or the same one after a restart. It does not know the old image.
        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.True(failure.IsRestored);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Failure_does_not_restore_superseded_image()
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
    public async Task Leftover_record_of_success_restores_no_image()
    {
        await StartAsync();
        var patches = 0;
        Cluster.Intercept = (verb, _, _) => verb == "patch" && ++patches > 2 ? 400 : null;
        await RollOutAsync(GoodImage);
        Assert.NotNull(Record("statefulsets", "airflow-worker"));
        Cluster.Intercept = null;

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, before: GoodImage, limit: Soon));

        Assert.Equal($"worker={Good}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Exceeded_deadline_restores_image_and_reports_pod_problems()
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));

        Assert.Contains("Deployment airflow-scheduler: the rollout exceeded its progressDeadlineSeconds", failure.Message,
            StringComparison.Ordinal);
        Assert.Contains("Failed to pull the image", failure.Message, StringComparison.Ordinal);
        Assert.EndsWith("The earlier image runs again.", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsRestored);
        Assert.Contains("ImagePullBackOff: Back-off pulling image", Log("image/deployment/airflow-scheduler"), StringComparison.Ordinal);
        Assert.Single(Log("image/deployment/airflow-scheduler").Split('\n'),
            line => line.StartsWith("Pod airflow-scheduler-pod: Failed", StringComparison.Ordinal));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Equal(["image FAILED", "image-restore COMPLETED", "image/deployment/airflow-scheduler FAILED",
            "image/statefulset/airflow-worker FAILED"], Steps());
    }

    [Fact]
    public async Task Deadline_of_earlier_rollout_is_ignored()
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;
        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));
        Cluster.Workloads.Change("deployments", "airflow-scheduler", workload => workload["status"]!["conditions"] =
            JsonNode.Parse("""
                [{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded", "lastUpdateTime": "then" }]
                """));
        // The cluster continues only after the driver has handled its status.
        Cluster.Workloads.Progressed = name => SpinWait.SpinUntil(() => name != "airflow-scheduler"
            || Log("image").Contains("exceeded its progressDeadlineSeconds", StringComparison.Ordinal)
            || Log("image/deployment/airflow-scheduler").Contains("of 2 replicas updated", StringComparison.Ordinal),
            TimeSpan.FromSeconds(20));

        await RollOutAsync(GoodImage);

        Assert.Contains($"scheduler={Good}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Slow_rollout_is_restored_and_blocking_pod_is_deleted()
    {
        await StartAsync();

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.Contains("did not end within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("StatefulSet airflow-worker: 1 of 2 replicas updated", failure.Message, StringComparison.Ordinal);
        Assert.True(failure.IsRestored);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
        Assert.Equal(1, Cluster.Count("delete pods airflow-worker-pod"));
        Assert.Equal(0, Cluster.Count("delete pods airflow-scheduler"));
    }

    [Fact]
    public async Task Role_in_packaging_grants_exactly_used_permissions()
    {
        await StartAsync();

        await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.Equal(Cluster.Granted.Order(StringComparer.Ordinal), Cluster.Requests
            .Select(request => string.Join(' ', request.Split(' ')[..2])).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Missing_permission_to_delete_pods_reports_the_command()
    {
        await StartAsync();
        Cluster.Forbidden["delete pods"] = true;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon, restoreLimit: Soon));

        Assert.False(failure.IsRestored);
        Assert.Contains("StatefulSet airflow-worker was not restored within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("kubectl -n airflow delete pod airflow-worker-pod", Log("image-restore"), StringComparison.Ordinal);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
    }

    [Theory]
    [InlineData("get")]
    [InlineData("patch")]
    public async Task Image_of_another_client_is_kept(string moment)
    {
        await StartAsync();
        Cluster.Workloads.Fate = image => image == Broken ? PodFate.BrokenAndLate : PodFate.Ready;
        Cluster.Intercept = (verb, resource, name) =>
        {
            if (verb == moment && name == "airflow-worker" && Images("statefulsets", name) == $"worker={Broken}")
                Cluster.Workloads.SetImage("statefulsets", "airflow-worker", "worker", "other/image:1");
            return null;
        };

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage));

        Assert.False(failure.IsRestored);
        Assert.Equal("worker=other/image:1", Images("statefulsets", "airflow-worker"));
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Contains("StatefulSet airflow-worker: stays as it is: another client has set other/image:1", Log("image-restore"),
            StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_that_no_agent_has_set_is_not_restored()
    {
        await StartAsync();
        Cluster.Workloads.SetImage("statefulsets", "airflow-worker", "worker", Broken);

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon));

        Assert.False(failure.IsRestored);
        Assert.Equal($"worker={Broken}", Images("statefulsets", "airflow-worker"));
        Assert.Contains("StatefulSet airflow-worker: stays as it is: its earlier image is unknown", Log("image-restore"),
            StringComparison.Ordinal);
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Image_of_another_client_during_rollout_fails_it()
    {
        await StartAsync();
        Cluster.Workloads.Progressed = name =>
        {
            if (name == "airflow-worker" && Images("statefulsets", name) == $"worker={Good}")
                Cluster.Workloads.SetImage("statefulsets", name, "worker", "other/image:1");
        };

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains("StatefulSet airflow-worker: another client has set other/image:1", failure.Message, StringComparison.Ordinal);
        Assert.Equal("worker=other/image:1", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Endless_conflicts_fail_the_rollout()
    {
        await StartAsync();
        Cluster.Intercept = (verb, _, name) => verb == "patch" && name == "airflow-worker" ? 409 : null;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains("Other clients changed StatefulSet airflow-worker", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Lost_response_does_not_lose_earlier_image()
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
    public async Task Missing_permission_is_named_and_images_are_restored(string permission, string rule)
    {
        await StartAsync();
        Cluster.Forbidden[permission] = true;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains($"does not allow the agent to {permission} in the namespace airflow", failure.Message, StringComparison.Ordinal);
        Assert.Contains(rule, failure.Message, StringComparison.Ordinal);
        Assert.Contains("User \"system:serviceaccount:airflow:agent\" cannot", failure.Message, StringComparison.Ordinal);
        Assert.Contains($"scheduler={Old}", Images("deployments", "airflow-scheduler"), StringComparison.Ordinal);
        Assert.Equal($"worker={Old}", Images("statefulsets", "airflow-worker"));
    }

    [Fact]
    public async Task Rollout_continues_without_permission_to_list_pods()
    {
        await StartAsync();
        Cluster.Forbidden["list events"] = Cluster.Forbidden["list pods"] = true;

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(BrokenImage, limit: Soon, restoreLimit: Soon));

        Assert.Contains("did not end within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("resources [\"events\"], verbs [\"list\"]", Log("image"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Selector_without_match_fails()
    {
        await StartAsync();

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage, selector: "app=other"));
        Assert.Contains("No Deployment and no StatefulSet in the namespace airflow has the labels 'app=other'", failure.Message,
            StringComparison.Ordinal);

        failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage, containers: ["sheduler"]));
        Assert.Contains("has a container sheduler", failure.Message, StringComparison.Ordinal);
        Assert.Equal(0, Cluster.Count("patch"));
    }

    [Fact]
    public async Task Certificate_of_another_authority_is_not_trusted()
    {
        await StartAsync(isSecure: true);
        await using var other = await StandInCluster.StartAsync(isSecure: true);
        File.Copy(Path.Join(other.Folder, "ca.crt"), Path.Join(Cluster.Folder, "ca.crt"), overwrite: true);

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage, limit: Soon));

        Assert.Contains("did not end within 100 seconds", failure.Message, StringComparison.Ordinal);
        Assert.Contains("certificate", Log("image"), StringComparison.Ordinal);
        Assert.Empty(Cluster.Requests);
    }

    [Fact]
    public async Task Rejected_token_is_reported()
    {
        await StartAsync();
        Cluster.Token = "another";

        var failure = await Assert.ThrowsAsync<ImageFailedException>(() => RollOutAsync(GoodImage));

        Assert.Contains("does not accept the token of the agent's service account", failure.Message, StringComparison.Ordinal);
    }
}
