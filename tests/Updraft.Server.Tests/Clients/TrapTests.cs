using System.Diagnostics;
using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Updraft.Protocol;
using Updraft.Server.Tests.Deploys;
using Updraft.Server.Tests.Deploys.Bundles;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// Traps in deploys: details of responses that make clients crash or fail silently. A trait names the number of the trap.
/// </summary>
[Trait("Database", "any")]
public sealed partial class TrapTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(200)]
    [InlineData(2 * CliUpload.BlockSize)]
    [Trait("catalog", "Trap 01")]
    public async Task Upload_in_any_form_returns_a_version_201(int bytes)
    {
        var site = await UploadSite.CreateAsync(Server);

        // CliUpload requires the status, the header, and that the library can read every other header.
        var version = await CliUpload.RunAsync(site.Url, CliDeployReplayTests.Archive(bytes), []);

        Assert.DoesNotMatch("""[\s"']|: """, version);
        await site.FinalizeAsync(version);
    }

    [Fact]
    [Trait("catalog", "Trap 10")]
    public async Task Success_is_200_or_204_with_JSON_and_failure_has_a_message()
    {
        using var cli = new CliReplay(Server);
        var id = await NewAsync();
        var path = cli.DeploymentPath(id);
        var deploy = (await cli.PostAsync(path + "/deploys", new JsonObject { ["type"] = "DAG_ONLY" })).Body.Text("id");
        var bundle = (await cli.PostAsync(path + "/bundles", new JsonObject { ["name"] = "finance" })).Body.Text("id");
        CliResponse[] good =
        [
            await cli.GetAsync(path + "/deploys"), await cli.GetAsync($"{path}/deploys/{deploy}"),
            await cli.PostAsync($"{path}/deploys/{deploy}", []), await cli.GetAsync(path + "/bundles"),
            await cli.PostAsync($"{path}/bundles/{bundle}", []), await cli.DeleteAsync($"{path}/bundles/{bundle}"),
        ];
        CliResponse[] bad =
        [
            await cli.PostAsync(path + "/deploys", []), await cli.PostAsync(path + "/deploys", new JsonObject { ["type"] = 7 }),
            await cli.PostAsync($"{path}/deploys/{deploy}/finalize", []), await cli.PostAsync($"{path}/deploys/{deploy}/rollback", []),
            await cli.GetAsync(path + "/deploys/clvetru2w000201mowqwua63n"), await cli.DeleteAsync($"{path}/deploys/{deploy}"),
            await cli.GetAsync(path + "/deploys", ("limit", "1001")), await cli.GetAsync(path + "/nothing"),
        ];

        Assert.All(good, response => Assert.True(response.IsSuccess));
        Assert.All(good, response => Assert.True(
            response.Status == HttpStatusCode.NoContent || response.ContentType.Contains("json", StringComparison.Ordinal)));
        Assert.All(bad, response => Assert.NotEmpty(response.Error));
    }

    [Fact]
    [Trait("catalog", "Trap 11")]
    public async Task Abandoned_deploys_do_not_block_later_deploys()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(shared);
        await deploys.DeployDagsAsync("before");
        var abandoned = new List<JsonElement>();
        foreach (var kind in Enum.GetValues<DeployKind>())
            abandoned.Add(await deploys.CreateAsync(kind));
        await deploys.UploadAsync(abandoned[0].Text("dagsUploadUrl"), ("dags/shop.py", "abandoned"));

        var done = await deploys.DeployDagsAsync("real");
        var after = await deploys.DeployBundleAsync(Shop);
        var back = await deploys.RollBackAsync(done.Text("id"));

        Assert.Equal(4, await deploys.RevisionAsync());
        Assert.Equal(done.Text("dagTarballVersion"), after.Text("dagTarballVersion"));
        Assert.Equal("DEPLOYED", back.Text("status"));
        Assert.All(abandoned, deploy => Assert.Equal("INITIALIZED", deploy.Text("status")));
        Assert.Contains("was never finalized", (await deploys.TryRollBackAsync(abandoned[0].Text("id"))).Refusal());
    }

    [Fact]
    [Trait("catalog", "Trap 12")]
    public async Task Empty_version_keeps_image_DAGs_and_removes_project_DAGs_or_the_bundle()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var dags = (await bundles.DeployDagsAsync("dags")).Text("dagTarballVersion");
        await bundles.DeployBundleAsync(Shop, "shop");

        var image = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "IMAGE_ONLY" });
        Assert.Equal(dags, (await bundles.FinalizeAsync(image.Text("id"), "dagTarballVersion", "")).Text("dagTarballVersion"));

        await bundles.DeployBundleAsync(Shop, null);
        Assert.Equal(["dags"], (await bundles.MountsAsync()).Keys);
        Assert.DoesNotContain(Shop, (await bundles.ListAsync()).Select(bundle => (string?)bundle["nonDagMountPath"]));
        await bundles.DeployBundleAsync(Shop, null);

        var project = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG" });
        Assert.Null((await bundles.FinalizeAsync(project.Text("id"), "dagTarballVersion", ""))["dagTarballVersion"]);
        Assert.Empty(await bundles.MountsAsync());

        var only = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" });
        foreach (var body in (string[])["{}", """{"dagTarballVersion":""}"""])
            await Server.Client.PostErrorAsync($"{bundles.Deploys}/{only.Text("id")}/finalize", body, HttpStatusCode.BadRequest);
    }

    [Fact]
    [Trait("catalog", "Trap 12")]
    public async Task Finalize_without_DAG_deploys_accepts_an_empty_body()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(shared, dagDeploys: false);
        var deploy = await deploys.CreateAsync(DeployKind.ImageAndDag);

        Assert.Equal("DEPLOYED", (await deploys.FinalizeAsync(deploy.Text("id"), "{}")).Text("status"));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha1")]
    [InlineData("platform/v1beta1")]
    [InlineData("labs/v1.1")]
    [Trait("catalog", "Trap 16")]
    public async Task Times_around_deploys_are_RFC_3339_in_UTC(string api)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await bundles.DeployBundleAsync(Shop, "one");
        var deploy = await bundles.DeployDagsAsync("one", "finance");
        var bundle = (await bundles.AtAsync(Shop)).Text("id");
        var paths = new List<string>
        {
            "/deploys", $"/deploys/{deploy.Text("id")}", "/bundles", $"/bundles/{bundle}", $"/bundles/{bundle}/versions", "",
        };
        if (api == "v1alpha1")
            paths.AddRange([$"/deploys/{deploy.Text("id")}?includeSteps=true", $"/deploys/{deploy.Text("id")}/steps/created/logs"]);
        var times = 0;
        foreach (var path in paths)
        {
            var response = await Server.Client.GetOkAsync(bundles.Deployment.Replace("/v1/", $"/{api}/", StringComparison.Ordinal) + path);
            foreach (Match time in TimeField().Matches(response.ToJsonString()))
            {
                Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", time.Groups["value"].Value);
                times++;
            }
        }
        Assert.True(times > 10, $"The responses contain only {times} times.");
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$", deploy.Text("dagTarballVersion"));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha1")]
    [Trait("catalog", "Trap 22")]
    public async Task Deploy_of_a_bundle_has_the_type_BUNDLE(string api)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.DeployBundleAsync(Shop, "one")).Text("id");

        var list = await Server.Client.GetOkAsync($"{bundles.Deploys}".Replace("/v1/", $"/{api}/", StringComparison.Ordinal));

        // The tests of deploy-action find the deploy with the same query.
        var newest = list["deploys"]!.AsArray().Where(deploy => (string?)deploy!["type"] == "BUNDLE")
            .OrderBy(deploy => (string?)deploy!["updatedAt"]).Last()!;
        Assert.Equal((id, "dbt"), (newest.AsObject().Text("id"), newest["bundles"]![0]!.AsObject().Text("bundleType")));
        Assert.NotEmpty(newest["bundles"]![0]!.AsObject().Text("desiredVersion"));
    }

    [Fact]
    [Trait("catalog", "Trap 24")]
    public async Task Image_repository_is_valid_without_a_scheme_and_tags_are_unique()
    {
        using var cli = new CliReplay(Server);
        // An image without DAGs needs deployed DAGs.
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.DeployDagsAsync("dags");
        var id = bundles.DeploymentId;
        var deployment = await cli.GetDeploymentAsync(id);
        Assert.Matches("^[a-z0-9]+([._-][a-z0-9]+)*$", deployment.Text("namespace"));
        var tags = new HashSet<string>();
        for (var i = 0; i < 20; i++)
        {
            var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody(i % 2 == 0 ? "IMAGE_AND_DAG" : "IMAGE_ONLY"));
            Assert.Equal(deployment.Text("imageRepository"), deploy.Text("imageRepository"));
            Assert.Matches(@"^deploy-\d{4}-\d\d-\d\dT\d\d-\d\d", deploy.Text("imageTag"));
            Assert.True(tags.Add(deploy.Text("imageTag")));
        }
        // A deploy without an image has the tag of the running image; the tag is empty before the first image.
        Assert.Equal("", (await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("DAG_ONLY"))).Text("imageTag"));
        Assert.StartsWith("localhost:5555/", deployment.Text("imageRepository"));
    }

    [Fact]
    [Trait("catalog", "Trap 25")]
    public async Task Blocks_of_the_CLI_and_a_single_PUT_use_one_URL()
    {
        var site = await UploadSite.CreateAsync(Server);
        var sent = new List<string>();
        var blocks = await CliUpload.RunAsync(site.Url, CliDeployReplayTests.Archive(2 * CliUpload.BlockSize), sent);
        Assert.Equal(["PUT block", "PUT block", "PUT blocklist"], sent);

        // The archive exceeds the default limit of a server. It is uncompressed, and the command is the guide's pipe.
        var file = Path.Join(Server.DataDirectory, $"{site.DeployId}.tar");
        await File.WriteAllBytesAsync(file, UploadSite.LargeTar(40_000_000), Cancelled);
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", $$"""
            curl -s -i --request PUT '{{site.Url}}' -H 'x-ms-blob-type: BlockBlob' -H 'Content-Type: application/x-tar' \
                --upload-file "{{file}}" \
                | grep x-ms-version-id | awk -F': ' '{print $2}' | tr -d '\r'
            """])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        var printed = (await bash.StandardOutput.ReadToEndAsync(Cancelled)).Trim();
        await bash.WaitForExitAsync(Cancelled);

        Assert.Matches(@"^\S+Z$", printed);
        Assert.NotEqual(blocks, printed);
        Assert.Equal(printed, (await site.FinalizeAsync(printed)).Text("dagTarballVersion"));
    }

    [Fact]
    [Trait("catalog", "Trap 25")]
    public async Task Retried_upload_creates_another_version_and_either_can_be_finalized()
    {
        var site = await UploadSite.CreateAsync(Server);
        var archive = CliDeployReplayTests.Archive(200);

        var (first, second) = (await CliUpload.RunAsync(site.Url, archive, []), await CliUpload.RunAsync(site.Url, archive, []));

        Assert.True(string.CompareOrdinal(first, second) < 0);
        Assert.Equal(first, (await site.FinalizeAsync(first)).Text("dagTarballVersion"));
    }

    [Fact]
    [Trait("catalog", "Trap 25")]
    public async Task Missing_directory_arrives_as_an_empty_archive()
    {
        var site = await UploadSite.CreateAsync(Server);

        var version = await CliUpload.RunAsync(site.Url, new byte[1024], []);

        Assert.Equal(version, (await site.FinalizeAsync(version)).Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Image_given_by_name_is_deployed_with_DAGs()
    {
        using var cli = new CliReplay(Server);
        var id = await NewAsync();
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("IMAGE_AND_DAG"));
        var version = await cli.UploadAsync(deploy.Text("dagsUploadUrl"), CliDeployReplayTests.Archive(200));

        var done = await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });

        // The CLI prints these two values.
        Assert.Equal((version, deploy.Text("imageTag")), (done.Text("dagTarballVersion"), done.Text("imageTag")));
    }

    [Fact]
    public async Task Field_names_are_exact_camelCase()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var deploy = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" });

        // jq is case-sensitive; Go is not.
        Assert.Subset(deploy.Select(field => field.Key).ToHashSet(),
            new HashSet<string> { "dagsUploadUrl", "isDagDeployEnabled", "imageRepository", "imageTag" });
        Assert.True(deploy["createdBySubject"]!.AsObject().ContainsKey("apiTokenName"));
    }

    [GeneratedRegex("\"(createdAt|updatedAt|startedAt|endedAt|timestamp)\":\"(?<value>[^\"]*)\"")]
    private static partial Regex TimeField();

    private Task<string> NewAsync() => Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
}
