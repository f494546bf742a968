using System.Net.Http.Json;
using Updraft.Protocol;

namespace Updraft.Server.Tests.Deploys;

/// <summary>What an agent of the Deployment sees: the only place where revisions come out.</summary>
internal sealed class DeployAgent(HttpClient client, EnrollResponse enrolment)
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<DeployAgent> EnrollAsync(UpdraftServer server, string deployment)
    {
        var client = server.ClientWith(await server.CreateAgentTokenAsync(deployment));
        using var response = await client.PostAsJsonAsync(AgentRoutes.Enroll,
            new EnrollRequest { InstanceId = EntityId.New(TimeProvider.System), Host = "host", Component = "scheduler", AgentVersion = "0" },
            AgentJson.Default.EnrollRequest, Cancelled);
        var enrolment = await response.EnsureSuccessStatusCode().Content.ReadFromJsonAsync(AgentJson.Default.EnrollResponse, Cancelled);
        return new(client, enrolment!);
    }

    /// <summary>The newest revision, as the signed document has it.</summary>
    public async Task<DesiredState> StateAsync()
    {
        var response = await client.GetFromJsonAsync($"{AgentRoutes.State}?agentId={enrolment.AgentId}",
            AgentJson.Default.StateResponse, Cancelled);
        return DesiredState.Verify(response!.State, enrolment.SigningKey);
    }

    /// <summary>Reports that the newest revision runs.</summary>
    public async Task ReportActiveAsync()
    {
        var state = await StateAsync();
        using var response = await client.PostAsJsonAsync(AgentRoutes.Report, new AgentReport
        {
            AgentId = enrolment.AgentId,
            Epoch = state.Epoch,
            Revision = state.Revision,
            Phase = AgentPhase.Active,
            ActiveRevision = state.Revision,
            Mounts = [.. state.Mounts.Select(mount => new MountReport(mount.Path, mount.Version, mount.Manifest))],
        }, AgentJson.Default.AgentReport, Cancelled);
        response.EnsureSuccessStatusCode();
    }
}
