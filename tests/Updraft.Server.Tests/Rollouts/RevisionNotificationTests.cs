using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Rollouts;
using Updraft.Server.Tests.Database;
using Updraft.Server.Tests.Deploys.Bundles;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>
/// Every operation that creates a revision notifies the waiting agents after its commit. A notification before the commit would be lost: the
/// request of the agent would read the old revision and wait again.
/// </summary>
public sealed class RevisionNotificationTests : IAsyncLifetime
{
    private const string Shop = "/usr/local/airflow/dbt/shop";

    private static readonly Dictionary<string, Func<UpdraftServer, BundlesApi, Task<Func<Task>>>> Operations = new(StringComparer.Ordinal)
    {
        ["DAG deploy"] = async (server, bundles) =>
        {
            var deploy = await server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "DAG_ONLY" });
            var version = await bundles.UploadAsync(deploy.Text("dagsUploadUrl"), "one");
            return () => bundles.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", version);
        },
        ["image deploy"] = async (server, bundles) =>
        {
            await bundles.DeployDagsAsync("one");
            var deploy = await server.Client.PostOkAsync(bundles.Deploys, new JsonObject { ["type"] = "IMAGE_ONLY" });
            return () => bundles.FinalizeAsync(deploy.Text("id"), "dagTarballVersion", "");
        },
        ["bundle deploy"] = async (server, bundles) =>
        {
            var deploy = await CreateBundleDeployAsync(server, bundles);
            var version = await bundles.UploadAsync(deploy.Text("bundleUploadUrl"), "one");
            return () => bundles.FinalizeAsync(deploy.Text("id"), "bundleTarballVersion", version);
        },
        ["removal of a bundle by a deploy"] = async (server, bundles) =>
        {
            await bundles.DeployBundleAsync(Shop, "one");
            var deploy = await CreateBundleDeployAsync(server, bundles);
            return () => bundles.FinalizeAsync(deploy.Text("id"), "bundleTarballVersion", "");
        },
        ["deletion of a bundle"] = async (_, bundles) =>
        {
            await bundles.DeployBundleAsync(Shop, "one");
            var id = (await bundles.AtAsync(Shop)).Text("id");
            return async () => Assert.Equal(HttpStatusCode.NoContent, await bundles.DeleteAsync(id));
        },
        ["rollback"] = async (_, bundles) =>
        {
            var deploy = await bundles.DeployDagsAsync("one");
            return () => bundles.RollBackDeployAsync(deploy.Text("id"));
        },
        ["rollback of a bundle"] = async (_, bundles) =>
        {
            await bundles.DeployDagsAsync("one");
            var id = (await bundles.MainAsync()).Text("id");
            var version = (await bundles.VersionsAsync(id))[0];
            await bundles.DeployDagsAsync("two");
            return () => bundles.RollBackAsync(id, version);
        },
    };

    private readonly DatabaseHook _hook = new();
    private UpdraftServer _server = null!;

    public static TheoryData<string> Names => [.. Operations.Keys];

    public async ValueTask InitializeAsync() => _server = await UpdraftServer.StartAsync();

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _hook.Dispose();
    }

    [Theory]
    [MemberData(nameof(Names))]
    public async Task Revision_is_announced_after_its_commit(string name)
    {
        var bundles = await BundlesApi.NewDeploymentAsync(_server);
        var operation = await Operations[name](_server, bundles);
        await AssertAnnouncedAfterCommitAsync(bundles.DeploymentId, operation);
    }

    [Fact]
    public async Task Automatic_rollback_is_announced_after_its_commit()
    {
        var site = await AgentSite.CreateAsync(_server);
        var agent = await site.EnrollAsync(imageDriver: "exec");
        var deploys = $"{_server.OrganizationPath}/deployments/{site.DeploymentId}/deploys";
        ImageReference? image = null;
        for (var revision = 1; revision <= 2; revision++)
        {
            var deploy = await _server.Client.PostOkAsync(deploys, new JsonObject { ["type"] = "IMAGE_AND_DAG" });
            await _server.Client.PostOkAsync($"{deploys}/{deploy.Text("id")}/finalize", new JsonObject { ["dagTarballVersion"] = "" });
            image ??= new ImageReference(deploy.Text("imageRepository"), deploy.Text("imageTag"));
            if (revision == 1)
                await agent.ReportAsync(AgentPhase.Active, 1, 1, image);
        }
        await AssertAnnouncedAfterCommitAsync(site.DeploymentId, () => agent.AbortAsync(2, 1, image));
    }

    private async Task AssertAnnouncedAfterCommitAsync(string deployment, Func<Task> operation)
    {
        var notification = _server.Services.GetRequiredService<RevisionSignal>().Next(new DeploymentId(deployment));
        var isEarly = true;
        var committing = _hook.BeforeCommitAsync(_server, sql => sql.Contains("INSERT INTO revisions", StringComparison.Ordinal), () =>
        {
            isEarly = notification.IsCompleted;
            return Task.CompletedTask;
        });

        await operation();

        await committing.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.False(isEarly, "The revision was announced before its commit.");
        Assert.True(notification.IsCompletedSuccessfully, "The revision was not announced.");
    }

    private static Task<JsonObject> CreateBundleDeployAsync(UpdraftServer server, BundlesApi bundles) => server.Client.PostOkAsync(
        bundles.Deploys, new JsonObject { ["type"] = "BUNDLE", ["bundleType"] = "dbt", ["bundleMountPath"] = Shop });
}
