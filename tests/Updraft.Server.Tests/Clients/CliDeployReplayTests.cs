using System.Globalization;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Updraft.Protocol;
using Updraft.Server.Tests.Deploys;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Clients;

/// <summary>
/// The CLI's deploy commands, request by request. Each ends with a row that says what the command would have printed; run the class
/// with <c>-showLiveOutput</c> to see them as a table.
/// </summary>
public sealed class CliDeployReplayTests(SharedServer shared) : IClassFixture<SharedServer>
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private UpdraftServer Server => shared.Server;

    [Theory]
    [InlineData(200)]
    [InlineData(CliUpload.BlockSize - 1)]
    [InlineData(CliUpload.BlockSize)]
    [InlineData(3 * CliUpload.BlockSize + 7)]
    public async Task Deploy_dags(int bytes)
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await NewDeploymentAsync();
        var archive = Archive(bytes);

        Assert.True((await cli.GetDeploymentAsync(id)).Flag("isDagDeployEnabled"));
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("DAG_ONLY", "faster", GitHub()));
        var version = await cli.UploadAsync(deploy.Text("dagsUploadUrl"), archive);
        var done = await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });

        Assert.Equal(version, done.Text("dagTarballVersion"));
        var blocks = (bytes + CliUpload.BlockSize - 1) / CliUpload.BlockSize;
        Assert.Equal(
        [
            "GET /v1/organizations?limit=100&offset=0", $"GET {cli.DeploymentPath(id)}", $"POST {cli.DeploymentPath(id)}/deploys",
            .. bytes < CliUpload.BlockSize ? (string[])["PUT blob"] : [.. Enumerable.Repeat("PUT block", blocks), "PUT blocklist"],
            $"POST {cli.DeploymentPath(id)}/deploys/{deploy.Text("id")}/finalize",
        ], cli.Sent);
        Show($"deploy --dags ({bytes} bytes)", cli, $"Deployed DAG bundle: {version}");
    }

    [Fact]
    public async Task Deploy_dags_with_a_choice_and_wait()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var name = EntityId.New(TimeProvider.System);
        await Server.CreateDeploymentAsync(name);

        var id = await cli.ChooseDeploymentAsync(name);
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("DAG_ONLY"));
        var version = await cli.UploadAsync(deploy.Text("dagsUploadUrl"), Archive(200));
        var agent = await DeployAgent.EnrollAsync(Server, id);
        await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });

        // UNHEALTHY would only go on waiting; any failure would end the command.
        Assert.Equal("DEPLOYING", await cli.WaitAsync(id));
        await agent.ReportActiveAsync();
        Assert.Equal("HEALTHY", await cli.WaitAsync(id));
        Show("deploy --dags --wait", cli, "Deployment is HEALTHY");
    }

    [Fact]
    public async Task Deploy_dags_that_is_cancelled_at_the_prompt()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await NewDeploymentAsync();

        await cli.GetDeploymentAsync(id);
        await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("DAG_ONLY"));

        Assert.Equal("HEALTHY", await cli.WaitAsync(id));
        Show("deploy --dags, no DAGs, prompt answered no", cli, "Canceling deploy...");
    }

    [Fact]
    public async Task Deploy_dags_without_DAG_deploys()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System), isDagDeployEnabled: false);

        Assert.False((await cli.GetDeploymentAsync(id)).Flag("isDagDeployEnabled"));
        var refused = await cli.PostAsync($"{cli.DeploymentPath(id)}/deploys", CliDeploySteps.DeployBody("DAG_ONLY"));

        // With these words in it the CLI shows its own hint instead.
        Assert.Contains("dag deploy is not enabled for deployment", refused.Error);
        Show("deploy --dags, DAG deploys off", cli, refused.Error);
    }

    [Theory]
    [InlineData(false, "IMAGE_AND_DAG", true, "deploy")]
    [InlineData(false, "IMAGE_AND_DAG", false, "deploy, no DAG files")]
    [InlineData(true, "IMAGE_ONLY", false, "deploy --image")]
    [InlineData(false, "IMAGE_AND_DAG", true, "deploy --image-name shop:1")]
    [InlineData(true, "IMAGE_ONLY", false, "deploy --image --image-name shop:1")]
    public async Task Deploy_image(bool hasDags, string type, bool uploads, string command)
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await NewDeploymentAsync();
        var before = hasDags ? await DeployDagsAsync(cli, id) : null;

        Assert.Equal(before, (await cli.GetDeploymentAsync(id)).OptionalText("desiredDagTarballVersion"));
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody(type, git: command.Contains("name", StringComparison.Ordinal) ? null : Generic()));
        Assert.NotEmpty(deploy.Text("imageTag"));
        await cli.ReadOptionsAsync();
        var version = uploads ? await cli.UploadAsync(deploy.Text("dagsUploadUrl"), Archive(200)) : "";
        var done = await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });

        // Printed as they come; without a DAG bundle there is nothing to print.
        Assert.Equal(type == "IMAGE_ONLY" ? before : uploads ? version : null, done.OptionalText("dagTarballVersion"));
        Assert.Equal(deploy.Text("imageTag"), done.Text("imageTag"));
        var after = await cli.GetDeploymentAsync(id);
        Assert.Equal(deploy.Text("imageTag"), after.Text("imageTag"));
        Show(command, cli, $"Deployed Image Tag: {done.Text("imageTag")}");
    }

    [Fact]
    public async Task Deploy_image_without_DAG_deploys()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System), isDagDeployEnabled: false);

        await cli.GetDeploymentAsync(id);
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("IMAGE_AND_DAG"));
        Assert.Null(deploy.OptionalText("dagsUploadUrl"));
        var done = await cli.FinalizeAsync(id, deploy.Text("id"), []);

        Assert.Null(done.OptionalText("dagTarballVersion"));
        Show("deploy, DAG deploys off", cli, $"Deployed Image Tag: {done.Text("imageTag")}");
    }

    [Fact]
    public async Task Dbt_deploy_and_delete()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await NewDeploymentAsync();

        await cli.GetDeploymentAsync(id);
        var deploy = await cli.CreateDeployAsync(id, BundleBody(GitHub()));
        var version = await cli.UploadAsync(deploy.Text("bundleUploadUrl"), Archive(200));
        var done = await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["bundleTarballVersion"] = version });
        var bundle = Assert.Single(done.Objects("bundles"));
        Assert.Equal(("dbt", Shop, version, deploy.Text("id")),
            (bundle.Text("bundleType"), bundle.Text("mountPath"), bundle.Text("desiredVersion"), bundle.Text("deployId")));
        Show("dbt deploy", cli, $"Successfully uploaded bundle with version {version}");

        using var second = new CliReplay(Server);
        await second.SetUpAsync();
        var delete = await second.CreateDeployAsync(id, BundleBody(null));
        var deleted = await second.FinalizeAsync(id, delete.Text("id"), new JsonObject { ["bundleTarballVersion"] = "" });
        Assert.Empty(deleted.Objects("bundles"));
        Assert.Equal(3, second.Sent.Count);
        Show("dbt delete", second, "Successfully requested bundle delete");
    }

    [Fact]
    public async Task Dbt_deploy_and_wait()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await NewDeploymentAsync();
        var agent = await DeployAgent.EnrollAsync(Server, id);

        await cli.GetDeploymentAsync(id);
        var deploy = await cli.CreateDeployAsync(id, BundleBody(null));
        var version = await cli.UploadAsync(deploy.Text("bundleUploadUrl"), Archive(200));
        await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["bundleTarballVersion"] = version });

        Assert.Equal("DEPLOYING", await cli.WaitAsync(id));
        await agent.ReportActiveAsync();
        Assert.Equal("HEALTHY", await cli.WaitAsync(id));
        Show("dbt deploy --wait", cli, "Deployment is HEALTHY");
    }

    [Fact]
    public async Task Deploy_dags_to_a_named_bundle()
    {
        using var cli = new CliReplay(Server);
        await cli.SetUpAsync();
        var id = await NewDeploymentAsync();
        (await cli.PostAsync($"{cli.DeploymentPath(id, "v1alpha1")}/bundles",
            new JsonObject { ["isDagBundle"] = true, ["name"] = "finance", ["type"] = "DEPLOY" })).Body.Text("id");

        await cli.GetDeploymentAsync(id);
        var deploy = await cli.CreateDeployAsync(id,
            new JsonObject { ["dagBundleName"] = "finance", ["description"] = "", ["type"] = "DAG" }, "v1alpha1");
        var version = await cli.UploadAsync(deploy.Text("dagsUploadUrl"), Archive(200));
        var done = await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });

        Assert.Equal(version, done.Text("dagTarballVersion"));
        Assert.Equal(["bundles/finance"], (await (await DeployAgent.EnrollAsync(Server, id)).StateAsync()).Mounts.Select(mount => mount.Path));
        Assert.Equal($"POST {cli.DeploymentPath(id, "v1alpha1")}/deploys", cli.Sent[3]);
        Assert.Equal($"POST {cli.DeploymentPath(id)}/deploys/{deploy.Text("id")}/finalize", cli.Sent[5]);
        Show("deploy --dags --dag-bundle-name finance", cli, $"Deployed DAG bundle: {version}");
    }

    internal static JsonObject BundleBody(JsonObject? git)
    {
        var body = new JsonObject { ["bundleMountPath"] = Shop, ["bundleType"] = "dbt", ["description"] = "" };
        if (git is not null)
            body["git"] = git;
        body["type"] = "BUNDLE";
        return body;
    }

    /// <summary>A gzip'd tar of exactly this size; a small one if less than 2,000 bytes are asked for.</summary>
    internal static byte[] Archive(int bytes)
    {
        if (bytes < 2000)
            return Gzip(UploadSite.Tar("from airflow.sdk import dag"));
        // A tar grows by 512 bytes; a file name in the gzip header makes up for the rest.
        for (var blocks = bytes / 512; ; blocks--)
        {
            var packed = Gzip(UploadSite.Tar(Convert.ToHexString(RandomNumberGenerator.GetBytes(blocks * 256))));
            if (packed.Length >= bytes)
                continue;
            packed[3] |= 8;
            return [.. packed[..10], .. Enumerable.Repeat((byte)'x', bytes - packed.Length - 1), 0, .. packed[10..]];
        }
    }

    private static byte[] Gzip(byte[] archive)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.NoCompression, leaveOpen: true))
            gzip.Write(archive);
        return packed.ToArray();
    }

    private static JsonObject GitHub() => new()
    {
        ["account"] = "acme",
        ["authorName"] = "Ann",
        ["branch"] = "HEAD",
        ["commitSha"] = "0123456789abcdef0123456789abcdef01234567",
        ["commitUrl"] = "https://github.com/acme/shop/commit/0123456789abcdef0123456789abcdef01234567",
        ["path"] = "etl",
        ["provider"] = "GITHUB",
        ["repo"] = "shop",
    };

    private static JsonObject Generic() => new()
    {
        ["branch"] = "main",
        ["commitSha"] = "0123456789abcdef0123456789abcdef01234567",
        ["provider"] = "GENERIC",
        ["remoteUrl"] = "git@git.example.com:data/shop.git",
    };

    private static async Task<string> DeployDagsAsync(CliReplay cli, string id)
    {
        var deploy = await cli.CreateDeployAsync(id, CliDeploySteps.DeployBody("DAG_ONLY"));
        var version = await cli.UploadAsync(deploy.Text("dagsUploadUrl"), Archive(200));
        await cli.FinalizeAsync(id, deploy.Text("id"), new JsonObject { ["dagTarballVersion"] = version });
        return version;
    }

    private static void Show(string command, CliReplay cli, string result) => TestContext.Current.TestOutputHelper!.WriteLine(
        string.Create(CultureInfo.InvariantCulture, $"| astro {command,-46} | {cli.Sent.Count,2} requests | {result} |"));

    private Task<string> NewDeploymentAsync() => Server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
}
