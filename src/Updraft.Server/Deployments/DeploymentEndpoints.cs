using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>Deployments over HTTP.</summary>
internal static class DeploymentEndpoints
{
    public static void AddDeployments(this WebApplicationBuilder builder) => builder.Services
        .AddScoped<DeploymentQueries>()
        .AddScoped<CreateDeployment>()
        .AddScoped<UpdateDeployment>()
        .AddScoped<DeleteDeployment>();

    public static void MapDeployments(this IEndpointRouteBuilder routes)
    {
        var deployments = routes.MapGroup("/organizations/{organizationId}/deployments");
        deployments.MapGet("/", ListAsync).Requires(Permission.ListDeployments).Operation("ListDeployments").Sorts(DeploymentQueries.Sorting.Orders);
        deployments.MapPost("/", CreateAsync).Requires(Permission.CreateDeployment).Operation<CreateDeploymentRequest>("CreateDeployment");
        deployments.MapGet("/{deploymentId}", GetAsync).Requires(Permission.ReadDeployment).Operation("GetDeployment");
        deployments.MapPost("/{deploymentId}", UpdateAsync).Requires(Permission.UpdateDeployment).Operation<UpdateDeploymentRequest>("UpdateDeployment");
        deployments.MapDelete("/{deploymentId}", DeleteAsync).Requires(Permission.DeleteDeployment).Operation("DeleteDeployment");
    }

    private static Task<DeploymentsPaginated> ListAsync(OrganizationId organizationId, Subject subject, DeploymentQueries queries,
        Paging paging, string[]? deploymentIds, string[]? names, string[]? workspaceIds, string[]? sorts,
        CancellationToken cancellationToken) =>
        queries.ListAsync(subject, organizationId, new DeploymentFilter(deploymentIds, names, workspaceIds, sorts), paging,
            cancellationToken);

    private static async Task<DeploymentResponse> CreateAsync(OrganizationId organizationId, HttpRequest request, Subject subject,
        CreateDeployment createDeployment, DeploymentQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateDeploymentRequest, cancellationToken);
        var id = await createDeployment.RunAsync(subject, organizationId, body, cancellationToken);
        return await queries.GetAsync(id, cancellationToken);
    }

    private static Task<DeploymentResponse> GetAsync(DeploymentId deploymentId, DeploymentQueries queries,
        CancellationToken cancellationToken) => queries.GetAsync(deploymentId, cancellationToken);

    private static async Task<DeploymentResponse> UpdateAsync(DeploymentId deploymentId, HttpRequest request, Subject subject,
        UpdateDeployment updateDeployment, DeploymentQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateDeploymentRequest, cancellationToken);
        await updateDeployment.RunAsync(subject, deploymentId, body, cancellationToken);
        return await queries.GetAsync(deploymentId, cancellationToken);
    }

    private static async Task<IResult> DeleteAsync(DeploymentId deploymentId, Subject subject, DeleteDeployment deleteDeployment,
        CancellationToken cancellationToken)
    {
        await deleteDeployment.RunAsync(subject, deploymentId, cancellationToken);
        return TypedResults.NoContent();
    }
}
