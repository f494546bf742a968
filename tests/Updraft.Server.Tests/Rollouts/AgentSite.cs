using System.Globalization;
using System.Net;
using System.Net.Http.Json;
using Microsoft.Extensions.DependencyInjection;
using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Tests.Rollouts;

/// <summary>
/// A Deployment with an agent token. It stores revisions as finalize does, so that these tests need no archive; other tests run whole
/// deploys.
/// </summary>
internal sealed class AgentSite
{
    private readonly UpdraftServer _server;

    private AgentSite(UpdraftServer server, string deploymentId, HttpClient client)
    {
        (_server, DeploymentId, Client) = (server, deploymentId, client);
    }

    public string DeploymentId { get; }

    /// <summary>Sends the agent token.</summary>
    public HttpClient Client { get; }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<AgentSite> CreateAsync(UpdraftServer server)
    {
        var deployment = await server.CreateDeploymentAsync(EntityId.New(TimeProvider.System));
        return new AgentSite(server, deployment, server.ClientWith(await server.CreateAgentTokenAsync(deployment)));
    }

    /// <summary>Commits a revision with one version of the DAGs and, by default, an image of its own; returns its number.</summary>
    public async Task<long> CommitAsync(string version, string? imageTag = null)
    {
        await using var scope = _server.Services.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        await using var write = await db.BeginWriteAsync(Cancellation);
        var deployment = await db.LockDeploymentAsync(new DeploymentId(DeploymentId), Cancellation);
        var number = deployment.NextRevision();
        var deploy = EntityId.New(TimeProvider.System);
        db.Revisions.Add(new Revision
        {
            DeploymentId = deployment.Id,
            Number = number,
            DeployId = new DeployId(deploy),
            ImageRepository = "localhost:5555/org/orders",
            ImageTag = imageTag ?? $"deploy-{number}",
            RuntimeVersion = "",
            AirflowVersion = "",
            IsDagDeployEnabled = true,
            Mounts =
            [
                new RevisionMount
                {
                    BundleType = RevisionMount.DagBundleType, MountPath = "/usr/local/airflow/dags", Path = Bundle.MainPath,
                    Version = version, Manifest = ManifestOf(version), Subfolder = "dags", Files = 3, Bytes = 42, DeployId = deploy,
                },
            ],
            CreatedAt = deployment.CreatedAt,
        });
        await db.SaveChangesAsync(Cancellation);
        await write.CommitAsync(Cancellation);
        scope.ServiceProvider.GetRequiredService<RevisionSignal>().Announce(deployment.Id);
        return number;
    }

    public async Task<TestAgent> EnrollAsync(string host = "host-1", string? instanceId = null, string? imageDriver = null)
    {
        var request = new EnrollRequest
        {
            InstanceId = instanceId ?? EntityId.New(TimeProvider.System),
            Host = host,
            Component = "scheduler",
            AgentVersion = "0.1.0",
            ImageDriver = imageDriver,
        };
        using var response = await Client.PostAsJsonAsync(AgentRoutes.Enroll, request, AgentJson.Default.EnrollRequest, Cancellation);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new TestAgent(Client, (await response.Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancellation))!);
    }

    /// <summary>The condition of the Deployment in the API.</summary>
    public async Task<DeploymentCondition> ReadConditionAsync()
    {
        var deployment = await _server.Client.GetOkAsync($"{_server.OrganizationPath}/deployments/{DeploymentId}");
        return new DeploymentCondition(deployment.Text("status"), (string?)deployment["statusReason"], deployment.Text("imageTag"),
            (string?)deployment["desiredDagTarballVersion"], (string?)deployment["dagTarballVersion"]);
    }

    public async Task<string?> ReadCurrentVersionAsync()
    {
        await using var scope = _server.Services.CreateAsyncScope();
        var current = scope.ServiceProvider.GetRequiredService<CurrentVersions>();
        return (await current.ReadAsync(new DeploymentId(DeploymentId), Cancellation)).GetValueOrDefault(Bundle.MainPath);
    }

    /// <summary>A manifest digest for a version.</summary>
    public static string ManifestOf(string version) => Digest.Of(System.Text.Encoding.UTF8.GetBytes(version)).ToString();
}

/// <summary>Sends the requests of an agent.</summary>
internal sealed class TestAgent(HttpClient client, EnrollResponse enrollment)
{
    public EnrollResponse Enrolment => enrollment;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>The URL of a long poll.</summary>
    public string StatePath(long revision, string phase, int wait, string? agentId = null) => string.Create(CultureInfo.InvariantCulture,
        $"{AgentRoutes.State}?agentId={agentId ?? enrollment.AgentId}&epoch=1&revision={revision}&phase={phase}&wait={wait}");

    /// <summary>Sends a long poll; null if the state does not change in time.</summary>
    public async Task<DesiredState?> AskAsync(long revision, string phase, int wait = 0)
    {
        using var response = await client.GetAsync(StatePath(revision, phase, wait), Cancellation);
        if (response.StatusCode == HttpStatusCode.NoContent)
            return null;
        return await ReadAsync(response);
    }

    /// <summary>Reports; returns the state in the response.</summary>
    public Task<DesiredState> ReportAsync(AgentPhase phase, long revision, long activeRevision, string? version = null,
        string? message = null) => SendAsync(Report(phase, revision, activeRevision, version, message));

    /// <summary>Reports as an agent with an image driver.</summary>
    public Task<DesiredState> ReportAsync(AgentPhase phase, long revision, long activeRevision, ImageReference? image) =>
        SendAsync(Report(phase, revision, activeRevision) with { Image = image });

    /// <summary>Reports an aborted image rollout.</summary>
    public Task<DesiredState> AbortAsync(long revision, long activeRevision = 0, ImageReference? image = null) =>
        SendAsync(Report(AgentPhase.Failed, revision, activeRevision, message: "exit code 3") with { Image = image, HasGivenUp = true });

    public async Task<DesiredState> SendAsync(AgentReport report)
    {
        using var response = await client.PostAsJsonAsync(AgentRoutes.Report, report, AgentJson.Default.AgentReport, Cancellation);
        return await ReadAsync(response);
    }

    public AgentReport Report(AgentPhase phase, long revision, long activeRevision, string? version = null, string? message = null) => new()
    {
        AgentId = enrollment.AgentId,
        Epoch = 1,
        Revision = revision,
        Phase = phase,
        ActiveRevision = activeRevision,
        Mounts = version is null ? [] : [new MountReport(Bundle.MainPath, version, AgentSite.ManifestOf(version))],
        Message = message,
    };

    /// <summary>Reports all phases of a revision.</summary>
    public async Task ConvergeAsync(long revision, string version)
    {
        await ReportAsync(AgentPhase.Prepared, revision, revision - 1);
        await ReportAsync(AgentPhase.Active, revision, revision, version);
    }

    private async Task<DesiredState> ReadAsync(HttpResponseMessage response)
    {
        Assert.True(response.StatusCode == HttpStatusCode.OK,
            $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(Cancellation)}");
        var body = await response.Content.ReadFromJsonAsync(AgentJson.Default.StateResponse, Cancellation);
        return DesiredState.Verify(body!.State, enrollment.SigningKey);
    }
}
