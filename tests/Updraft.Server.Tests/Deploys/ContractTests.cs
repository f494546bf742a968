using System.Text.Json;

namespace Updraft.Server.Tests.Deploys;

/// <summary>Every answer of the six operations, read by a client that forgives nothing.</summary>
[Trait("Database", "every")]
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
    public async Task Every_answer_is_as_published(string prefix)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server, prefix: prefix);
        var answers = new Dictionary<string, JsonElement>();
        foreach (var kind in Enum.GetValues<DeployKind>())
            answers[$"create {kind}"] = await deploys.CreateAsync(kind);
        var dags = await deploys.CreateAsync($$"""{"type":"DAG_ONLY","description":"all fields",{{Git}}}""");
        answers["create with git"] = dags;
        var version = await deploys.UploadAsync(dags.Text("dagsUploadUrl"), ("dags/shop.py", "one"));
        answers["finalize"] = await deploys.FinalizeAsync(dags.Text("id"), $$"""{"dagTarballVersion":"{{version}}"}""");
        answers["finalize BUNDLE"] = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await deploys.ReportActiveAsync();
        answers["get"] = await deploys.GetAsync(answers["finalize BUNDLE"].Text("id"));
        answers["update"] = (await deploys.SendAsync(HttpMethod.Post, $"/{dags.Text("id")}", """{"description":"new"}""")).Ok();
        answers["rollback"] = await deploys.RollBackAsync(dags.Text("id"), """{"description":"back"}""");

        Assert.All(answers, answer => Assert.Empty(PublishedContract.Problems("Deploy", answer.Value)));
        Assert.Empty(PublishedContract.Problems("DeploysPaginated", await deploys.ListAsync()));
        Assert.Empty(PublishedContract.Problems("DeploysPaginated", await deploys.ListAsync("?limit=0")));
    }

    [Fact]
    public async Task Together_the_answers_have_every_field_that_there_is_something_to_say_for()
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

        // Without an image registry nobody knows the runtime.
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
    public void The_reader_sees_what_is_wrong(string answer, params string[] problems) =>
        Assert.All(problems, problem => Assert.Contains(problem, PublishedContract.Problems("Deploy", JsonElement.Parse(answer))));
}
