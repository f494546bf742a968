using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Agents;

/// <summary>Enrollment of agents. The routes for desired state and reports belong to Rollouts.</summary>
internal static class AgentEndpoints
{
    public static void AddAgents(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<AgentOptions>().BindConfiguration("Agents").ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddScoped<EnrollAgent>();
        builder.Services.AddSingleton<RecordHeartbeat>();
        builder.Services.AddSingleton<WaitingAgents>();
        builder.Services.AddSingleton<AgentSessions>();
        builder.Services.AddHostedService<RecordWaitingHeartbeats>();
        builder.Services.AddBackgroundWork(RecordWaitingHeartbeats.WorkName);
    }

    public static void MapAgents(this IEndpointRouteBuilder routes) =>
        routes.MapPost(AgentRoutes.Enroll, EnrollAsync).Requires(Permission.ActAsAgent);

    private static async Task<IResult> EnrollAsync(HttpRequest request, Subject subject, EnrollAgent enroll, SigningKeys keys,
        AgentSessions sessions, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(AgentJson.Default.EnrollRequest, cancellationToken);
        var session = AgentSessions.Check(body.SessionId);
        var agent = await enroll.RunAsync(subject, subject.AgentDeployment(), body, cancellationToken);
        sessions.Record(agent.Id, session);
        return Results.Json(new EnrollResponse
        {
            AgentId = agent.Id.Value,
            OrganizationId = subject.Organization.Value,
            DeploymentId = agent.DeploymentId.Value,
            SigningKey = keys.Public,
        }, AgentJson.Default.EnrollResponse);
    }

    /// <summary>The Deployment of an agent token.</summary>
    /// <exception cref="ApiException">403: the token is not an agent token.</exception>
    public static DeploymentId AgentDeployment(this Subject subject) => subject.Deployment
        ?? throw new ApiException(AgentErrors.NotAnAgentToken,
            "The token is not an agent token. Create an agent token for the Deployment.");
}
