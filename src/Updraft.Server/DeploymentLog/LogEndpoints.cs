using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.DeploymentLog;

/// <summary>The log of a Deployment over HTTP: what Updraft did with it, not what Airflow wrote.</summary>
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
