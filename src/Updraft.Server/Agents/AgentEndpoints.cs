using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Agents;

/// <summary>Enrolment of agents. What they ask and report afterwards belongs to Rollouts.</summary>
internal static class AgentEndpoints
{
    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AgentOptions>().BindConfiguration("Agents").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<EnrollAgent>();
        builder.Services.AddSingleton<RecordHeartbeat>();
        builder.Services.AddSingleton<WaitingAgents>();
        builder.Services.AddHostedService<RecordWaitingHeartbeats>();
        builder.Services.AddBackgroundWork(RecordWaitingHeartbeats.WorkName);
    }

    public static void MapAgents(this IEndpointRouteBuilder routes) =>
        routes.MapPost(AgentRoutes.Enroll, EnrollAsync).Requires(Permission.ActAsAgent);

    private static async Task<IResult> EnrollAsync(HttpRequest request, Subject subject, EnrollAgent enrol, SigningKeys keys,
        CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(AgentJson.Default.EnrollRequest, cancellationToken);
        var agent = await enrol.RunAsync(subject, subject.AgentDeployment(), body, cancellationToken);
        return Results.Json(new EnrollResponse
        {
            AgentId = agent.Id.Value,
            OrganizationId = subject.Organization.Value,
            DeploymentId = agent.DeploymentId.Value,
            SigningKey = keys.Public,
        }, AgentJson.Default.EnrollResponse);
    }

    /// <summary>The Deployment that an agent's token belongs to.</summary>
    /// <exception cref="ApiException">403: the token is for no single Deployment.</exception>
    public static DeploymentId AgentDeployment(this Subject subject) => subject.Deployment
        ?? throw new ApiException(StatusCodes.Status403Forbidden, "Only a Deployment's agent token may act as an agent.");
}
