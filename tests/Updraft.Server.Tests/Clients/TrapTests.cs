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

/// <summary>What makes clients crash or go wrong silently around deploys; the numbers are those of the list of traps.</summary>
public sealed partial class TrapTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(200)]
    [InlineData(2 * CliUpload.BlockSize)]
    public async Task Trap_01_every_way_to_upload_answers_201_with_a_version(int bytes)
    {
        var site = await UploadSite.CreateAsync(Server);

        // CliUpload demands the status, the header, and that no other header is unreadable for the library.
        var version = await CliUpload.RunAsync(site.Url, CliDeployReplayTests.Archive(bytes), []);

        Assert.DoesNotMatch("""[\s"']|: """, version);
        await site.FinalizeAsync(version);
    }

    [Fact]
    public async Task Trap_10_what_succeeds_is_200_or_204_with_JSON_and_what_fails_has_a_message()
    {
        using var cli = new CliReplay(Server);
        var id = await NewAsync();
        var path = cli.DeploymentPath(id);
        var deploy = (await cli.PostAsync(path + "/deploys", new JsonObject { ["type"] = "DAG_ONLY" })).Body.Text("id");
        var bundle = (await cli.PostAsync(path + "/bundles", new JsonObject { ["name"] = "finance" })).Body.Text("id");
        CliResponse[] good =
        [
            await cli.GetAsync(path + "/deploys"), await cli.GetAsync($"{path}/deploys/{deploy}"), await cli.PostAsync($"{path}/deploys/{deploy}", []),
            await cli.GetAsync(path + "/bundles"), await cli.PostAsync($"{path}/bundles/{bundle}", []), await cli.DeleteAsync($"{path}/bundles/{bundle}"),
        ];
        CliResponse[] bad =
        [
            await cli.PostAsync(path + "/deploys", []), await cli.PostAsync(path + "/deploys", new JsonObject { ["type"] = 7 }),
            await cli.PostAsync($"{path}/deploys/{deploy}/finalize", []), await cli.PostAsync($"{path}/deploys/{deploy}/rollback", []),
            await cli.GetAsync(path + "/deploys/clvetru2w000201mowqwua63n"), await cli.DeleteAsync($"{path}/deploys/{deploy}"),
            await cli.GetAsync(path + "/deploys", ("limit", "1001")), await cli.GetAsync(path + "/nothing"),
        ];

        Assert.All(good, answer => Assert.True(answer.IsSuccess && (answer.Status == HttpStatusCode.NoContent || answer.ContentType.Contains("json", StringComparison.Ordinal))));
        Assert.All(bad, answer => Assert.NotEmpty(answer.Error));
    }

    [Fact]
    public async Task Trap_11_abandoned_deploys_stand_in_nobodys_way()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(shared);
        var abandoned = new List<JsonElement>();
        foreach (var kind in Enum.GetValues<DeployKind>())
            abandoned.Add(await deploys.CreateAsync(kind));
        await deploys.UploadAsync(abandoned[0].Text("dagsUploadUrl"), ("dags/shop.py", "abandoned"));

        var done = await deploys.DeployDagsAsync("real");
        var after = await deploys.DeployBundleAsync(Shop);
        var back = await deploys.RollBackAsync(done.Text("id"));

        Assert.Equal(3, await deploys.RevisionAsync());
        Assert.Equal(done.Text("dagTarballVersion"), after.Text("dagTarballVersion"));
        Assert.Equal("DEPLOYED", back.Text("status"));
        Assert.All(abandoned, deploy => Assert.Equal("INITIALIZED", deploy.Text("status")));
        Assert.Contains("was never finalized", (await deploys.TryRollBackAsync(abandoned[0].Text("id"))).Refusal());
    }

    [Fact]
    public async Task Trap_12_an_empty_version_keeps_the_DAGs_of_an_image_removes_those_of_a_project_and_deletes_a_bundle()
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
    public async Task Trap_12_without_DAG_deploys_the_body_of_a_finalize_is_empty()
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
    public async Task Trap_16_every_time_around_deploys_is_RFC_3339_in_UTC(string api)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        await bundles.CreateDagAsync("finance");
        await bundles.DeployBundleAsync(Shop, "one");
        var deploy = await bundles.DeployDagsAsync("one", "finance");
        var bundle = (await bundles.AtAsync(Shop)).Text("id");
        var paths = new List<string> { "/deploys", $"/deploys/{deploy.Text("id")}", "/bundles", $"/bundles/{bundle}", $"/bundles/{bundle}/versions", "" };
        if (api == "v1alpha1")
            paths.AddRange([$"/deploys/{deploy.Text("id")}?includeSteps=true", $"/deploys/{deploy.Text("id")}/steps/created/logs"]);
        var times = 0;
        foreach (var path in paths)
        {
            var answer = await Server.Client.GetOkAsync(bundles.Deployment.Replace("/v1/", $"/{api}/", StringComparison.Ordinal) + path);
            foreach (Match time in TimeField().Matches(answer.ToJsonString()))
            {
                Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z$", time.Groups["value"].Value);
                times++;
            }
        }
        Assert.True(times > 10, $"There were {times} times only.");
        Assert.Matches(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}Z$", deploy.Text("dagTarballVersion"));
    }

    [Theory]
    [InlineData("v1")]
    [InlineData("v1alpha1")]
    public async Task Trap_22_a_deploy_of_a_bundle_says_BUNDLE(string api)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var id = (await bundles.DeployBundleAsync(Shop, "one")).Text("id");

        var list = await Server.Client.GetOkAsync($"{bundles.Deploys}".Replace("/v1/", $"/{api}/", StringComparison.Ordinal));

        // As deploy-action's own tests look for it.
        var newest = list["deploys"]!.AsArray().Where(deploy => (string?)deploy!["type"] == "BUNDLE").OrderBy(deploy => (string?)deploy!["updatedAt"]).Last()!;
        Assert.Equal((id, "dbt"), (newest.AsObject().Text("id"), newest["bundles"]![0]!.AsObject().Text("bundleType")));
        Assert.NotEmpty(newest["bundles"]![0]!.AsObject().Text("desiredVersion"));
    }

    [Fact]
    public async Task Trap_24_the_image_goes_to_a_legal_place_without_a_scheme_under_a_tag_of_its_own()
    {
        using var cli = new CliReplay(Server);
        var id = await NewAsync();
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
        // What brings no image shows the one that runs, and "" before there is one.
        Assert.Equal("", (await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("DAG_ONLY"))).Text("imageTag"));
        Assert.StartsWith("localhost:5555/", deployment.Text("imageRepository"));
    }

    [Fact]
    public async Task Trap_25_the_CLIs_blocks_and_the_guides_single_PUT_go_to_the_same_address()
    {
        var site = await UploadSite.CreateAsync(Server);
        var sent = new List<string>();
        var blocks = await CliUpload.RunAsync(site.Url, CliDeployReplayTests.Archive(2 * CliUpload.BlockSize), sent);
        Assert.Equal(["PUT block", "PUT block", "PUT blocklist"], sent);

        // More than a server takes by default; plain tar; by the guide's own pipe.
        var file = Path.Join(Server.DataDirectory, $"{site.DeployId}.tar");
        await File.WriteAllBytesAsync(file, UploadSite.LargeTar(40_000_000), Cancelled);
        using var bash = Process.Start(new ProcessStartInfo("bash", ["-c", $$"""
            curl -s -i --request PUT '{{site.Url}}' -H 'x-ms-blob-type: BlockBlob' -H 'Content-Type: application/x-tar' --upload-file "{{file}}" \
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
    public async Task Trap_25_a_retried_upload_makes_another_version_and_either_can_be_finalized()
    {
        var site = await UploadSite.CreateAsync(Server);
        var archive = CliDeployReplayTests.Archive(200);

        var (first, second) = (await CliUpload.RunAsync(site.Url, archive, []), await CliUpload.RunAsync(site.Url, archive, []));

        Assert.True(string.CompareOrdinal(first, second) < 0);
        Assert.Equal(first, (await site.FinalizeAsync(first)).Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Trap_25_a_missing_folder_arrives_as_an_empty_archive()
    {
        var site = await UploadSite.CreateAsync(Server);

        var version = await CliUpload.RunAsync(site.Url, new byte[1024], []);

        Assert.Equal(version, (await site.FinalizeAsync(version)).Text("dagTarballVersion"));
    }

    [Fact]
    public async Task Runner_up_an_image_given_by_name_is_still_an_image_and_DAGs()
    {
        using var cli = new CliReplay(Server);
        var id = await NewAsync();
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("IMAGE_AND_DAG"));
        var version = await cli.UploadAsync(deploy.Text("dagsUploadUrl"), CliDeployReplayTests.Archive(200));

        var done = await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });

        // The two that the CLI prints.
        Assert.Equal((version, deploy.Text("imageTag")), (done.Text("dagTarballVersion"), done.Text("imageTag")));
    }

    [Fact]
    public async Task Runner_up_names_are_camelCase_to_the_letter()
    {
        var bundles = await BundlesApi.NewDeploymentAsync(Server);
        var deploy = await Server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" });

        // jq, unlike Go, does not forgive.
        Assert.Subset(deploy.Select(field => field.Key).ToHashSet(), new HashSet<string> { "dagsUploadUrl", "isDagDeployEnabled", "imageRepository", "imageTag" });
        Assert.True(deploy["createdBySubject"]!.AsObject().ContainsKey("apiTokenName"));
    }

    [GeneratedRegex("\"(createdAt|updatedAt|startedAt|endedAt|timestamp)\":\"(?<value>[^\"]*)\"")]
    private static partial Regex TimeField();

    private Task<string> NewAsync() => Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
}
