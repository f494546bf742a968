using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.DeploymentLog;

/// <summary>Endpoint of the log of a Deployment. It has the actions of Updraft, not the logs of Airflow.</summary>
internal static class LogEndpoints
{
    public static void AddDeploymentLogs(this WebApplicationBuilder builder) => builder.Services.AddScoped<ReadDeploymentLog>();

    public static void MapDeploymentLogs(this IEndpointRouteBuilder routes) =>
        routes.MapGet("/organizations/{organizationId}/deployments/{deploymentId}/logs", GetAsync)
            .Requires(Permission.ReadDeploymentLogs).Operation("GetDeploymentLogs");

    private static Task<DeploymentLogResponse> GetAsync(DeploymentId deploymentId, [AsParameters] LogQuery query, ReadDeploymentLog read,
        TimeProvider clock, CancellationToken cancellationToken) =>
        read.RunAsync(deploymentId, query.ToSearch(clock.GetUtcNow()), cancellationToken);
}
