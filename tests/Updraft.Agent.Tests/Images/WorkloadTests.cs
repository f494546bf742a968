using System.Text.Json;
using Updraft.Agent.Images;

namespace Updraft.Agent.Tests.Images;

public sealed class WorkloadTests
{
    [Theory]
    [InlineData("Deployment", """{ "replicas": 2 }""", """{ "observedGeneration": 1, "updatedReplicas": 2, "availableReplicas": 2 }""",
        "InProgress", "the cluster has not started the rollout")]
    [InlineData("Deployment", """{ "replicas": 0 }""", """{ "observedGeneration": 2 }""", "Done", "0 of 0 replicas updated and available")]
    [InlineData("Deployment", "{}", """{ "observedGeneration": 2 }""", "InProgress", "0 of 1 replicas updated")]
    [InlineData("Deployment", """{ "paused": true }""", """{ "observedGeneration": 2 }""",
        "Done", "it is paused, and gets the image when it is resumed")]
    [InlineData("Deployment", """{ "replicas": 2 }""",
        """{ "observedGeneration": 2, "updatedReplicas": 2, "replicas": 3, "availableReplicas": 3 }""",
        "InProgress", "2 of 2 replicas updated, 1 old replicas stop")]
    [InlineData("Deployment", """{ "replicas": 2 }""",
        """{ "observedGeneration": 2, "updatedReplicas": 2, "replicas": 2, "availableReplicas": 1 }""",
        "InProgress", "2 of 2 replicas updated, 1 available")]
    [InlineData("StatefulSet", """{ "replicas": 0 }""", """{ "observedGeneration": 2, "currentRevision": "a", "updateRevision": "b" }""",
        "Done", "0 of 0 replicas updated and ready")]
    [InlineData("StatefulSet", """{ "replicas": 2 }""",
        """{ "observedGeneration": 2, "updatedReplicas": 2, "readyReplicas": 2, "currentRevision": "a", "updateRevision": "b" }""",
        "InProgress", "2 of 2 replicas updated")]
    [InlineData("StatefulSet", """{ "replicas": 2 }""",
        """{ "observedGeneration": 2, "updatedReplicas": 2, "readyReplicas": 1, "currentRevision": "b", "updateRevision": "b" }""",
        "InProgress", "2 of 2 replicas updated, 1 ready")]
    public void Progress_follows_from_the_status(string kind, string spec, string status, string state, string text)
    {
        var workload = Read(kind, $$"""{ "metadata": { "name": "w", "generation": 2 }, "spec": {{spec}}, "status": {{status}} }""");

        Assert.Equal((state, text), ($"{workload.Progress(null).State}", workload.Progress(null).Text));
    }

    [Fact]
    public void Main_container_is_default_container_of_kubectl()
    {
        var workload = Read("Deployment", """
            { "spec": { "template": {
                "metadata": { "annotations": { "kubectl.kubernetes.io/default-container": "main" } },
                "spec": { "containers": [{ "name": "proxy", "image": "proxy:1" }, { "name": "main", "image": "r:5000/a" },
                    { "name": "side", "image": "r:5000/a@sha256:0" }] } } } }
            """);

        Assert.Equal(["main", "side"], workload.Choose([]).Select(container => container.Name));
    }

    [Fact]
    public void Pod_selector_matches_that_of_the_workload()
    {
        var workload = Read("Deployment", """
            { "spec": { "selector": { "matchLabels": { "a": "1", "b": "2" }, "matchExpressions": [
                { "key": "c", "operator": "In", "values": ["3", "4"] }, { "key": "d", "operator": "NotIn", "values": ["5"] },
                { "key": "e", "operator": "Exists" }, { "key": "f", "operator": "DoesNotExist" }] } } }
            """);

        Assert.Equal("a=1,b=2,c in (3,4),d notin (5),e,!f", workload.PodSelector);
    }

    [Theory]
    [InlineData("r:5000/a@sha256:1", "r:5000/a:tag@sha256:1", true)]
    [InlineData("r:5000/a@sha256:1", "r:5000/a@sha256:2", false)]
    [InlineData("r:5000/a@sha256:1", "r:5000/b@sha256:1", false)]
    [InlineData("r:5000/a:1", "r:5000/a:1", true)]
    [InlineData("r:5000/a:1", "r:5000/a", false)]
    public void Images_are_equal_by_digest(string one, string other, bool isSame) => Assert.Equal(isSame, ImageName.IsSame(one, other));

    [Theory]
    [InlineData("not json")]
    [InlineData("[]")]
    [InlineData("""{ "image": "a", "before": { "c": 1 } }""")]
    public void Record_in_another_form_is_ignored(string text) => Assert.Null(RolloutRecord.Read(text));

    private static Workload Read(string kind, string json) =>
        new(kind == "Deployment" ? WorkloadKind.Deployment : WorkloadKind.StatefulSet, JsonElement.Parse(json));
}
