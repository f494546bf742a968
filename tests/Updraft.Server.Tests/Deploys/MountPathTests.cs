
namespace Updraft.Server.Tests.Deploys;

public sealed class MountPathTests(SharedServer server) : IClassFixture<SharedServer>
{
    [Theory]
    [InlineData("/usr/local/airflow/dbt/shop", "/usr/local/airflow/dbt/shop")]
    [InlineData("/usr/local/airflow/dbt/shop/", "/usr/local/airflow/dbt/shop")]
    [InlineData("/usr/local/airflow/dbt", "/usr/local/airflow/dbt")]
    [InlineData("/usr/local/airflow/dags2", "/usr/local/airflow/dags2")]
    [InlineData("/usr/local/airflow/include/dags", "/usr/local/airflow/include/dags")]
    [InlineData("/usr/local/airflow/größe 1/数据", "/usr/local/airflow/größe 1/数据")]
    public async Task Path_below_the_home_is_accepted(string path, string stored)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var deploy = await deploys.CreateAsync(DeployKind.Bundle, path);

        Assert.Equal(stored, deploy.Text("bundleMountPath"));
    }

    [Theory]
    [InlineData("")]
    [InlineData("/")]
    [InlineData("dbt/shop")]
    [InlineData("./dbt")]
    [InlineData("/opt/dbt")]
    [InlineData("/usr/local/airflow")]
    [InlineData("/usr/local/airflow/")]
    [InlineData("/usr/local/airflow//")]
    [InlineData("/usr/local/airflow2/dbt")]
    [InlineData("/usr/local/airflow//dbt")]
    [InlineData("/usr/local/airflow/dbt//shop")]
    [InlineData("/usr/local/airflow/dbt//")]
    [InlineData("/usr/local/airflow/./dbt")]
    [InlineData("/usr/local/airflow/../dbt")]
    [InlineData("/usr/local/airflow/dbt/..")]
    [InlineData("/usr/local/airflow/dbt/../../x")]
    [InlineData("/usr/../etc")]
    [InlineData("/usr/local/airflow/dags")]
    [InlineData("/usr/local/airflow/dags/")]
    [InlineData("/usr/local/airflow/dags/dbt")]
    [InlineData("/usr/local/airflow/.updraft")]
    [InlineData("/usr/local/airflow/.updraft/trees")]
    [InlineData("/usr/local/airflow/a\\\\b")]
    [InlineData("/usr/local/airflow/a\\nb")]
    [InlineData("/usr/local/airflow/a\\u202eb")]
    public async Task Any_other_path_is_rejected_with_400(string path)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var error = (await deploys.TryCreateAsync($$"""{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"{{path}}"}""")).Refusal();

        Assert.Contains("bundleMountPath", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/opt/dbt", "/usr/local/airflow/dbt/shop")]
    [InlineData("/usr/local/airflow/dags/dbt/shop", "/usr/local/airflow/dbt/shop")]
    public async Task Error_names_a_path_that_is_accepted(string path, string hint)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var error = (await deploys.TryCreateAsync(Bundle(path))).Refusal();

        Assert.Contains($"such as {hint},", error, StringComparison.Ordinal);
        Assert.DoesNotContain("DAG_ONLY", error, StringComparison.Ordinal);
        (await deploys.TryCreateAsync(Bundle(hint))).Ok();
    }

    [Fact]
    public async Task Path_component_longer_than_255_bytes_is_rejected()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        (await deploys.TryCreateAsync(Bundle("/usr/local/airflow/" + new string('a', 255)))).Ok();
        (await deploys.TryCreateAsync(Bundle("/usr/local/airflow/" + new string('a', 256)))).Refusal();
    }

    [Theory]
    [InlineData("/usr/local/airflow/dbt/shop/models", "is inside")]
    [InlineData("/usr/local/airflow/dbt", "contains")]
    public async Task Path_that_overlaps_with_a_deployed_bundle_is_rejected(string path, string why)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");

        var error = (await deploys.TryCreateAsync(Bundle(path))).Refusal();

        Assert.Contains($"{why} the bundle at /usr/local/airflow/dbt/shop", error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("/usr/local/airflow/dbt/shop")]
    [InlineData("/usr/local/airflow/dbt/shop2")]
    [InlineData("/usr/local/airflow/dbt/sho")]
    public async Task Same_path_and_sibling_paths_are_accepted(string path)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");

        (await deploys.TryCreateAsync(Bundle(path))).Ok();
    }

    [Fact]
    public async Task Finalize_rejects_a_path_that_overlaps_since_create()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var late = await deploys.CreateAsync(DeployKind.Bundle, "/usr/local/airflow/dbt/shop/models");
        var version = await deploys.UploadAsync(late.Text("bundleUploadUrl"), ("a.sql", "select 1"));
        await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");

        var error = (await deploys.TryFinalizeAsync(late.Text("id"), $$"""{"bundleTarballVersion":"{{version}}"}""")).Refusal();

        Assert.Contains("is inside", error, StringComparison.Ordinal);
        Assert.Equal("INITIALIZED", (await deploys.GetAsync(late.Text("id"))).Text("status"));
    }

    [Fact]
    public async Task Both_fields_of_a_bundle_are_required()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);

        var withoutPath = (await deploys.TryCreateAsync("""{"type":"BUNDLE","bundleType":"dbt"}""")).Refusal();
        var withoutType = (await deploys.TryCreateAsync("""{"type":"BUNDLE","bundleMountPath":"/usr/local/airflow/dbt"}""")).Refusal();

        Assert.Contains("bundleMountPath", withoutPath, StringComparison.Ordinal);
        Assert.Contains("bundleType", withoutType, StringComparison.Ordinal);
    }

    private static string Bundle(string path) => $$"""{"type":"BUNDLE","bundleType":"dbt","bundleMountPath":"{{path}}"}""";
}
