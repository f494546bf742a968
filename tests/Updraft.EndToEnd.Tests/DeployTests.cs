using System.Text.Json.Nodes;
using Updraft.EndToEnd.Tests.Support;

namespace Updraft.EndToEnd.Tests;

public sealed class DeployTests
{
    private const string Bundle = "dbt/shop";

    [Fact]
    public async Task Deployed_DAGs_are_on_disk_file_by_file()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var dags = Tree.WithDags(50);

        await installation.DeployAsync(dags);

        await agent.SeesAsync(dags);
    }

    [Fact]
    public async Task Bundle_is_mounted_next_to_the_DAGs()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var (dags, bundle) = (Tree.WithDags(3), Tree.Stamped(5, "one"));
        await installation.DeployAsync(dags);

        await installation.DeployBundleAsync(Bundle, bundle);

        await agent.SeesAsync(bundle, Bundle);
        await agent.SeesAsync(dags);
    }

    [Fact]
    public async Task Empty_finalize_removes_a_bundle_and_leaves_the_DAGs()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var (dags, bundle) = (Tree.WithDags(3), Tree.Stamped(5, "one"));
        await installation.DeployAsync(dags);
        await installation.DeployBundleAsync(Bundle, bundle);
        await agent.SeesAsync(bundle, Bundle);

        await installation.DeployBundleAsync(Bundle, null);

        await Eventually.TrueAsync(() => !Path.Exists(Path.Join(agent.Root, Bundle)), "the bundle is gone", () => agent.Log);
        await agent.SeesAsync(dags);
    }

    [Fact]
    public async Task Rollback_is_a_new_deploy_that_restores_every_bundle()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var (dags, bundle) = (Tree.Stamped(5, "dags one"), Tree.Stamped(5, "bundle one"));
        await installation.DeployAsync(dags);
        var good = await installation.DeployBundleAsync(Bundle, bundle);
        await installation.DeployAsync(Tree.Stamped(5, "dags two"));
        await installation.DeployBundleAsync(Bundle, Tree.Stamped(5, "bundle two"));
        await agent.SeesAsync(Bundle + "/part_0/file_00.txt", "bundle two");

        var back = await installation.RollBackAsync(good);

        await agent.SeesAsync(dags);
        await agent.SeesAsync(bundle, Bundle);
        var history = await installation.ListDeploysAsync();
        Assert.Equal(5, history.Count);
        Assert.Equal(back, history[0]!.Text("id"));
        Assert.Equal(good, history[0]!.Text("rollbackFromId"));
    }

    [Fact]
    public async Task API_reports_the_versions_that_agents_run()
    {
        await using var installation = await Installation.StartAsync();
        await installation.StartAgentAsync();

        var deploy = await installation.GetDeployAsync(await installation.DeployAsync(Tree.WithDags(3)));

        JsonNode? deployment = null;
        await Eventually.TrueAsync(async () =>
        {
            deployment = await installation.GetDeploymentAsync();
            return deployment.Text("status") == "HEALTHY" && deployment["dagTarballVersion"] is not null;
        }, "the Deployment is healthy again", () => deployment?.ToString() ?? "");
        Assert.Equal(deploy.Text("dagTarballVersion"), deployment!.Text("dagTarballVersion"));
        Assert.Equal(deploy.Text("dagTarballVersion"), deployment!.Text("desiredDagTarballVersion"));
    }

    [Fact]
    public async Task Agents_started_before_and_after_a_deploy_mount_the_same_files()
    {
        await using var installation = await Installation.StartAsync();
        var dags = Tree.WithDags(20);
        var (first, second) = (await installation.StartAgentAsync(), await installation.StartAgentAsync());

        await installation.DeployAsync(dags);
        var third = await installation.StartAgentAsync();

        await first.SeesAsync(dags);
        await second.SeesAsync(dags);
        await third.SeesAsync(dags);
    }

    [Fact]
    public async Task Upload_is_invisible_before_the_finalize()
    {
        await using var installation = await Installation.StartAsync();
        var agent = await installation.StartAgentAsync();
        var running = Tree.Stamped(3, "running");
        await installation.DeployAsync(running);
        await agent.SeesAsync(running);

        var deploy = await installation.CreateDeployAsync(new JsonObject { ["type"] = "DAG_ONLY" });
        await installation.UploadAsync(deploy.Text("dagsUploadUrl"), new ByteArrayContent(Tree.Stamped(3, "uploaded").ToTar("dags")));
        // The agent applies a later bundle completely; a visible upload would be mounted together with it.
        var bundle = Tree.Stamped(3, "later");
        await installation.DeployBundleAsync(Bundle, bundle);

        await agent.SeesAsync(bundle, Bundle);
        Assert.Null(running.Difference(agent.Dags));
    }
}
