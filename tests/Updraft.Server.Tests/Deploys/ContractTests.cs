using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Checks every response of the six operations against the published schema.</summary>
public sealed class ContractTests(SharedServer server) : IClassFixture<SharedServer>
{
    private const string Git = """
        "git":{"provider":"GITHUB","commitSha":"abc","account":"acme","repo":"shop","branch":"main","path":"etl",
        "commitUrl":"https://github.com/acme/shop",
        "authorName":"Ann","authorUsername":"ann","authorUrl":"https://github.com/ann","beforeCommitSha":"abb"}
        """;

    [Theory]
    [InlineData("/v1")]
    [InlineData("/platform/v1beta1")]
    public async Task Every_response_matches_the_published_schema(string prefix)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server, prefix: prefix);
        // An image without DAGs needs deployed DAGs.
        await deploys.DeployDagsAsync();
        var responses = new Dictionary<string, JsonElement>();
        foreach (var kind in Enum.GetValues<DeployKind>())
            responses[$"create {kind}"] = await deploys.CreateAsync(kind);
        var dags = await deploys.CreateAsync($$"""{"type":"DAG_ONLY","description":"all fields",{{Git}}}""");
        responses["create with git"] = dags;
        var version = await deploys.UploadAsync(dags.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        responses["finalize"] = await deploys.FinalizeAsync(dags.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
        responses["finalize BUNDLE"] = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await deploys.ReportActiveAsync();
        responses["get"] = await deploys.GetAsync(responses["finalize BUNDLE"].Text("id"));
        responses["update"] = (await deploys.SendAsync(HttpMethod.Post, $"/{dags.Text("id")}", """{"description":"new"}""")).Ok();
        responses["rollback"] = await deploys.RollBackAsync(dags.Text("id"), """{"description":"back"}""");

        Assert.All(responses, response => Assert.Empty(PublishedContract.Problems("Deploy", response.Value)));
        Assert.Empty(PublishedContract.Problems("DeploysPaginated", await deploys.ListAsync()));
        Assert.Empty(PublishedContract.Problems("DeploysPaginated", await deploys.ListAsync("?limit=0")));
    }

    [Fact]
    public async Task Responses_together_have_every_published_field()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.CreateAsync(DeployKind.DagOnly);
        await deploys.CreateAsync(DeployKind.Bundle);
        var dags = await deploys.CreateAsync($$"""{"type":"DAG_ONLY","description":"all fields",{{Git}}}""");
        var version = await deploys.UploadAsync(dags.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        await deploys.FinalizeAsync(dags.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
        await deploys.RollBackAsync(dags.Text("id"));

        var fields = (await deploys.ListAsync()).GetProperty("deploys").EnumerateArray()
            .SelectMany(deploy => deploy.EnumerateObject().Select(field => field.Name)).ToHashSet();

        // Without an image registry, the runtime is unknown.
        Assert.Equal(PublishedContract.Fields("Deploy").Except(["astroRuntimeVersion"]).Order(), fields.Order());
    }

    [Theory]
    [InlineData("""{"a":1}""", "Deploy.a is not published", "Deploy.id is missing")]
    [InlineData("""{"id":null}""", "Deploy.id is no string but null")]
    [InlineData("""{"imageTag":7}""", "Deploy.imageTag is no string but 7")]
    [InlineData("""{"isDagDeployEnabled":"true"}""", "Deploy.isDagDeployEnabled is no boolean but \"true\"")]
    [InlineData("""{"status":"DONE"}""", "Deploy.status is 'DONE', which is not published")]
    [InlineData("""{"createdAt":"2026-11-24T01:02:03+01:00"}""",
        "Deploy.createdAt is '2026-11-24T01:02:03+01:00', which is no time in UTC")]
    [InlineData("""{"createdAt":"2026-13-24T01:02:03Z"}""", "Deploy.createdAt is '2026-13-24T01:02:03Z', which is no time in UTC")]
    [InlineData("""{"git":[]}""", "Deploy.git is no object")]
    [InlineData("""{"bundles":[{"mountPath":"/a","deployId":"c"}]}""", "Deploy.bundles[0].bundleType is missing")]
    [InlineData("""{"createdBySubject":{"id":"c","subjectType":"AGENT"}}""",
        "Deploy.createdBySubject.subjectType is 'AGENT', which is not published")]
    public void Schema_check_reports_each_problem(string response, params string[] problems) =>
        Assert.All(problems, problem => Assert.Contains(problem, PublishedContract.Problems("Deploy", JsonElement.Parse(response))));
}
