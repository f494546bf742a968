using System.Net.Http.Json;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Deploys;

/// <summary>An agent of the Deployment. Only agents receive revisions, so tests read them here.</summary>
internal sealed class DeployAgent(HttpClient client, EnrollResponse enrollment)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<DeployAgent> EnrollAsync(UpdraftServer server, string deployment)
    {
        var client = server.ClientWith(await server.CreateAgentTokenAsync(deployment));
        using var response = await client.PostAsJsonAsync(AgentRoutes.Enroll,
            new EnrollRequest
            {
                InstanceId = EntityId.New(TimeProvider.System),
                Host = "host",
                Component = "scheduler",
                AgentVersion = "0",
            },
            AgentJson.Default.EnrollRequest, Cancelled);
        var enrollment = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancelled);
        return new(client, enrollment!);
    }

    /// <summary>The desired state, with a verified signature.</summary>
    public async Task<DesiredState> StateAsync()
    {
        var response = await client.GetFromJsonAsync($"{AgentRoutes.State}?agentId={enrollment.AgentId}",
            AgentJson.Default.StateResponse, Cancelled);
        return DesiredState.Verify(response!.State, enrollment.SigningKey);
    }

    /// <summary>Reports the newest revision as active.</summary>
    public async Task ReportActiveAsync()
    {
        var state = await StateAsync();
        using var response = await client.PostAsJsonAsync(AgentRoutes.Report, new AgentReport
        {
            AgentId = enrollment.AgentId,
            Epoch = state.Epoch,
            Revision = state.Revision,
            Phase = AgentPhase.Active,
            ActiveRevision = state.Revision,
            Mounts = [.. state.Mounts.Select(mount => new MountReport(mount.Path, mount.Version, mount.Manifest))],
        }, AgentJson.Default.AgentReport, Cancelled);
        response.EnsureSuccessStatusCode();
    }

    /// <summary>Reports that the newest revision failed.</summary>
    public async Task ReportFailedAsync(string reason)
    {
        var state = await StateAsync();
        using var response = await client.PostAsJsonAsync(AgentRoutes.Report, new AgentReport
        {
            AgentId = enrollment.AgentId,
            Epoch = state.Epoch,
            Revision = state.Revision,
            Phase = AgentPhase.Failed,
            ActiveRevision = 0,
            Message = reason,
            Mounts = [],
        }, AgentJson.Default.AgentReport, Cancelled);
        response.EnsureSuccessStatusCode();
    }
}
