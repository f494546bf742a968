using System.Net;

namespace Updraft.Server.Tests.Deploys;

public sealed class CreateDeployTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Fact]
    public async Task New_deploy_is_initialized_and_has_an_upload_URL()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync("""{"type":"DAG_ONLY","description":"first"}""");

        Assert.Equal("INITIALIZED", deploy.Text("status"));
        Assert.Equal("DAG_ONLY", deploy.Text("type"));
        Assert.Equal("first", deploy.Text("description"));
        Assert.True(deploy.GetProperty("isDagDeployEnabled").GetBoolean());
        Assert.StartsWith("http", deploy.Text("dagsUploadUrl"), StringComparison.Ordinal);
        Assert.Equal("NA", deploy.Text("airflowVersion"));
        Assert.Equal("SERVICEKEY", deploy.GetProperty("createdBySubject").Text("subjectType"));
        Assert.NotEmpty(deploy.GetProperty("createdBySubject").Text("apiTokenName"));
    }

    [Theory]
    [InlineData(DeployKind.DagOnly, true, "dagsUploadUrl")]
    [InlineData(DeployKind.ImageAndDag, true, "dagsUploadUrl")]
    [InlineData(DeployKind.ImageAndDag, false, null)]
    [InlineData(DeployKind.ImageOnly, true, null)]
    [InlineData(DeployKind.Bundle, true, "bundleUploadUrl")]
    public async Task Upload_URL_depends_on_the_type(DeployKind kind, bool dagDeploys, string? urlField)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server, dagDeploys);
        if (kind == DeployKind.ImageOnly)
            await deploys.DeployDagsAsync();

        var deploy = await deploys.CreateAsync(kind);

        Assert.Equal(urlField == "dagsUploadUrl", deploy.Has("dagsUploadUrl"));
        Assert.Equal(urlField == "bundleUploadUrl", deploy.Has("bundleUploadUrl"));
    }

    [Theory]
    [InlineData(DeployKind.DagOnly)]
    [InlineData(DeployKind.ImageOnly)]
    [InlineData(DeployKind.Bundle)]
    public async Task Type_that_needs_DAG_deploys_is_rejected_while_disabled(DeployKind kind)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server, dagDeploys: false);

        var error = (await deploys.TryCreateAsync(
            $$"""{"type":"{{kind.Name()}}","bundleType":"dbt","bundleMountPath":"/usr/local/airflow/dbt"}""")).Refusal();

        // The first words are those that the astro CLI searches for; the command is the one that it would print then.
        Assert.Contains($"dag deploy is not enabled for deployment '{deploys.DeploymentId}'", error, StringComparison.Ordinal);
        Assert.Contains($"astro deployment update {deploys.DeploymentId} --dag-deploy enable", error, StringComparison.Ordinal);
        Assert.DoesNotContain("DAG deploys", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("""{"type":null}""")]
    [InlineData("""{"type":""}""")]
    [InlineData("""{"type":"DAGS"}""")]
    [InlineData("""{"type":"dag_only"}""")]
    [InlineData("""{"type":7}""")]
    [InlineData("""{"type":["DAG_ONLY"]}""")]
    [InlineData("""{"type":{"a":1}}""")]
    public async Task Error_about_an_invalid_type_lists_the_allowed_types(string body)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var error = (await deploys.TryCreateAsync(body)).Refusal();

        Assert.Contains("IMAGE_AND_DAG, IMAGE_ONLY, DAG_ONLY, BUNDLE", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Rejected_create_stores_nothing()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        (await deploys.TryCreateAsync("""{"type":"DAGS"}""")).Refusal();
        (await deploys.TryCreateAsync("""{"type":"BUNDLE","bundleType":"dbt"}""")).Refusal();
        (await deploys.TryCreateAsync("""{"type":"DAG_ONLY","git":{}}""")).Refusal();

        Assert.Equal(0, (await deploys.ListAsync()).GetProperty("totalCount").GetInt64());
    }

    [Fact]
    public async Task Image_repository_is_registry_Organization_and_Deployment()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);

        Assert.Matches($"^localhost:5555/c[a-z0-9]{{24}}/{deploy.Text("deploymentId")}$", deploy.Text("imageRepository"));
    }

    [Fact]
    public async Task Every_image_deploy_gets_a_unique_tag()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var tags = new HashSet<string>();
        for (var i = 0; i < 20; i++)
            tags.Add((await deploys.CreateAsync(DeployKind.ImageAndDag)).Text("imageTag"));

        Assert.Equal(20, tags.Count);
        Assert.All(tags, tag => Assert.Matches(@"^deploy-\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d-[a-z0-9]{5}$", tag));
    }

    [Fact]
    public async Task Deploy_without_an_image_has_the_current_image_tag()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        Assert.Equal("", (await deploys.CreateAsync(DeployKind.DagOnly)).Text("imageTag"));
        var image = await deploys.DeployDagsAsync(kind: DeployKind.ImageAndDag);

        Assert.Equal(image.Text("imageTag"), (await deploys.CreateAsync(DeployKind.DagOnly)).Text("imageTag"));
    }

    [Theory]
    [InlineData(500, true)]
    [InlineData(501, false)]
    public async Task Description_limit_counts_code_points(int emoji, bool isAccepted)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var description = string.Concat(Enumerable.Repeat("🚀", emoji));

        var response = await deploys.TryCreateAsync($$"""{"type":"DAG_ONLY","description":"{{description}}"}""");

        if (isAccepted)
            Assert.Equal(description, response.Ok().Text("description"));
        else
            Assert.Contains("500", response.Refusal(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Empty_description_stays_empty_and_absent_stays_absent()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        Assert.Equal("", (await deploys.CreateAsync("""{"type":"DAG_ONLY","description":""}""")).Text("description"));
        Assert.False((await deploys.CreateAsync("""{"type":"DAG_ONLY"}""")).Has("description"));
    }

    [Fact]
    public async Task Server_controlled_fields_of_the_request_are_ignored()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync("""
            {"type":"DAG_ONLY","id":"cmine00000000000000000000","status":"DEPLOYED","imageTag":"mine","imageRepository":"mine","number":77,
             "revision":5,"isDagDeployEnabled":false,"rollbackFromId":"cmine00000000000000000000","dagTarballVersion":"mine",
             "createdBySubject":{"id":"mine"},"createdAt":"2000-01-01T00:00:00Z","dagsUploadUrl":"http://mine"}
            """);

        Assert.Equal("INITIALIZED", deploy.Text("status"));
        Assert.True(deploy.GetProperty("isDagDeployEnabled").GetBoolean());
        Assert.False(deploy.Has("rollbackFromId"));
        Assert.False(deploy.Has("dagTarballVersion"));
        Assert.DoesNotContain("mine", deploy.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain("2000-01-01", deploy.GetRawText(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Abandoned_deploys_do_not_block_later_deploys()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        for (var i = 0; i < 50; i++)
            await deploys.CreateAsync((DeployKind)(i % 4));

        var deploy = await deploys.DeployDagsAsync();

        Assert.Equal("DEPLOYED", deploy.Text("status"));
        Assert.Equal(52, (await deploys.ListAsync()).GetProperty("totalCount").GetInt64());
    }

    [Theory]
    [InlineData("dbt", true)]
    [InlineData("none", true)]
    [InlineData("my bundle, v2", true)]
    [InlineData("", false)]
    [InlineData("$dags", false)]
    [InlineData(" dbt", false)]
    [InlineData("a\\nb", false)]
    [InlineData("a\\u202eb", false)]
    [InlineData("12345678901234567890123456789012345678901234567890123456789012345", false)]
    public async Task Bundle_type_must_be_a_short_plain_word(string bundleType, bool isAccepted)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var response = await deploys.TryCreateAsync(
            $$"""{"type":"BUNDLE","bundleMountPath":"/usr/local/airflow/dbt","bundleType":"{{bundleType}}"}""");

        Assert.Equal(isAccepted ? HttpStatusCode.OK : HttpStatusCode.BadRequest, response.Status);
    }

    [Fact]
    public async Task Reader_does_not_receive_the_upload_URL()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deploy = await deploys.CreateAsync(DeployKind.DagOnly);
        var reader = await deploys.AsReaderAsync();

        Assert.True((await deploys.GetAsync(deploy.Text("id"))).Has("dagsUploadUrl"));
        Assert.False((await reader.GetAsync(deploy.Text("id"))).Has("dagsUploadUrl"));
    }
}
