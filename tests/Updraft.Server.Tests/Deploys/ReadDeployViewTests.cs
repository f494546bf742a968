using System.Diagnostics;
using System.Net;
using System.Text.Json;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Diagnostics;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Deploys.Steps;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Tests.Deploys;

/// <summary>The data of the deploy page equals the results of the operations of the API, with fewer queries.</summary>
public sealed class ReadDeployViewTests(SharedServer server) : IClassFixture<SharedServer>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Fact]
    public async Task View_before_finalize_has_no_revision()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        var created = await deploys.CreateAsync(DeployKind.DagOnly);

        var view = await ReadAsync(deploys, created.Text("id"));

        Assert.Equal((2, null, false, null, null), (view.Number, view.Revision, view.IsNewest, view.PreviousDeployId, view.TimeToActive));
        Assert.Empty(view.Mounts);
        Assert.Empty(view.Changes);
        Assert.NotNull(view.Deploy.DagsUploadUrl);
        Assert.Equal(["created", "uploaded", "finalized"], view.Progress.Steps.Select(step => step.Response.Id));
    }

    [Fact]
    public async Task View_after_finalize_has_changes_and_running_versions()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var first = await deploys.DeployDagsAsync();
        await deploys.ReportActiveAsync();
        var second = await deploys.DeployDagsAsync("two");

        var view = await ReadAsync(deploys, second.Text("id"));

        Assert.Equal((2, 2, true, first.Text("id")), (view.Number, view.Revision, view.IsNewest, view.PreviousDeployId?.Value));
        var mount = Assert.Single(view.Mounts);
        Assert.Equal((second.Text("dagTarballVersion"), first.Text("dagTarballVersion")), (mount.Mount.Version, mount.RunningVersion));
        var change = Assert.Single(view.Changes);
        Assert.Equal(("dags", "shop.py"), (change.Path, change.Files.Single().Path.Split('/')[^1]));
        Assert.Null(view.TimeToActive);
        Assert.Equal("DEPLOYING", view.Deployment.Status);

        await deploys.ReportActiveAsync();

        Assert.True((await ReadAsync(deploys, second.Text("id"))).TimeToActive > TimeSpan.Zero);
        var past = await ReadAsync(deploys, first.Text("id"));
        Assert.Equal((1, false, null), (past.Revision, past.IsNewest, past.PreviousDeployId));
        Assert.True(past.TimeToActive > TimeSpan.Zero);
    }

    [Fact]
    public async Task View_equals_the_responses_of_the_API()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        var bundle = await deploys.DeployBundleAsync("/usr/local/airflow/dbt/shop");
        await deploys.ReportActiveAsync();
        var (deployment, deploy) = (new DeploymentId(deploys.DeploymentId), new DeployId(bundle.Text("id")));

        var view = await ReadAsync(deploys, deploy.Value);

        await using var scope = server.Server.Services.CreateAsyncScope();
        var services = scope.ServiceProvider;
        Assert.Equal(
            Json(await services.GetRequiredService<DeploymentQueries>().GetAsync(ApiVersion.V1, deployment, Cancelled)),
            Json(view.Deployment));
        Assert.Equal(Json(await services.GetRequiredService<DeployQueries>().GetAsync(Owner, deployment, deploy, Cancelled)),
            Json(view.Deploy));
        Assert.Equal(Json((await services.GetRequiredService<DeploySteps>().ReadAsync(deployment, deploy, Cancelled)).Steps),
            Json(view.Progress.Steps));
        var current = await services.GetRequiredService<CurrentVersions>().ReadAsync(deployment, Cancelled);
        Assert.Equal(current.OrderBy(row => row.Key).Select(row => (row.Key, row.Value)),
            view.Mounts.OrderBy(mount => mount.Mount.Path).Select(mount => (mount.Mount.Path, mount.RunningVersion!)));

        static string Json<T>(T value) => JsonSerializer.Serialize(value, JsonSerializerOptions.Web);
    }

    [Fact]
    public async Task View_takes_four_queries_at_most()
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        await deploys.DeployDagsAsync();
        var second = await deploys.DeployDagsAsync("two");
        await deploys.ReportActiveAsync();

        using var commands = new CommandCount();
        await ReadAsync(deploys, second.Text("id"));

        Assert.InRange(commands.Count, 1, 4);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task View_of_an_unknown_deploy_is_rejected_with_404(bool isDeploymentKnown)
    {
        var deploys = await DeploysApi.NewDeploymentAsync(server);
        var deployment = new DeploymentId(isDeploymentKnown ? deploys.DeploymentId : "cunknown");

        await using var scope = server.Server.Services.CreateAsyncScope();
        var read = scope.ServiceProvider.GetRequiredService<ReadDeployView>();
        var error = await Assert.ThrowsAsync<ApiException>(() => read.RunAsync(Owner, deployment, new("cunknown"), Cancelled));

        Assert.Equal((int)HttpStatusCode.NotFound, error.StatusCode);
        Assert.Equal(isDeploymentKnown ? "There is no deploy 'cunknown'." : "There is no Deployment 'cunknown'.", error.Message);
    }

    private Subject Owner
    {
        get
        {
            var organization = new OrganizationId(server.Server.OrganizationId);
            return new(SubjectKind.ServiceKey, "t", "t", organization, [Grant.For(Role.OrganizationOwner, organization, null, null)]);
        }
    }

    private async Task<DeployView> ReadAsync(DeploysApi deploys, string id)
    {
        await using var scope = server.Server.Services.CreateAsyncScope();
        return await scope.ServiceProvider.GetRequiredService<ReadDeployView>()
            .RunAsync(Owner, new DeploymentId(deploys.DeploymentId), new DeployId(id), Cancelled);
    }

    /// <summary>Counts the database commands of the test that creates it; other tests run at the same time.</summary>
    private sealed class CommandCount : IObserver<DiagnosticListener>, IObserver<KeyValuePair<string, object?>>, IDisposable
    {
        private static readonly AsyncLocal<CommandCount?> Current = new();
        private readonly List<IDisposable> _subscriptions = [];

        public CommandCount()
        {
            Current.Value = this;
            _subscriptions.Add(DiagnosticListener.AllListeners.Subscribe(this));
        }

        public int Count { get; private set; }

        public void OnNext(DiagnosticListener value)
        {
            if (value.Name == DbLoggerCategory.Name)
                _subscriptions.Add(value.Subscribe(this, name => name == RelationalEventId.CommandExecuting.Name));
        }

        public void OnNext(KeyValuePair<string, object?> value)
        {
            if (Current.Value == this)
                Count++;
        }

        public void OnCompleted()
        {
        }

        public void OnError(Exception error)
        {
        }

        public void Dispose()
        {
            Current.Value = null;
            _subscriptions.ForEach(subscription => subscription.Dispose());
        }
    }
}
