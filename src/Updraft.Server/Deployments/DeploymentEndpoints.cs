using System.ComponentModel.DataAnnotations;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Deployments;

/// <summary>Deployments under <c>/v1</c> and <c>/v1beta1</c>.</summary>
internal static class DeploymentEndpoints
{
    public static void AddDeployments(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<RuntimeOptions>().BindConfiguration("Runtimes").ValidateDataAnnotations().ValidateOnStart();
        builder.Services
            .AddScoped<DeploymentQueries>()
            .AddScoped<CreateDeployment>()
            .AddScoped<UpdateDeployment>()
            .AddScoped<DeleteDeployment>()
            .AddScoped<OverrideHibernation>()
            .AddScoped<ReadDeploymentOptions>()
            .AddScoped<KnownRuntimes>()
            .AddScoped<CountDeployments>(static services => CountIn(services.GetRequiredService<UpdraftDbContext>()));
    }

    public static void MapDeployments(this IEndpointRouteBuilder routes)
    {
        var deployments = routes.MapGroup("/organizations/{organizationId}/deployments");
        deployments.MapGet("/", ListAsync).Requires(Permission.ListDeployments).Operation("ListDeployments")
            .Sorts(DeploymentQueries.Sorting.Orders);
        deployments.MapPost("/", CreateAsync).Requires(Permission.CreateDeployment)
            .Operation<CreateDeploymentRequest>("CreateDeployment");
        deployments.MapGet("/{deploymentId}", GetAsync).Requires(Permission.ReadDeployment).Operation("GetDeployment");
        deployments.MapPost("/{deploymentId}", UpdateAsync).Requires(Permission.UpdateDeployment)
            .Operation<UpdateDeploymentRequest>("UpdateDeployment");
        deployments.MapDelete("/{deploymentId}", DeleteAsync).Requires(Permission.DeleteDeployment).Operation("DeleteDeployment");
        deployments.MapPost("/{deploymentId}/hibernation-override", OverrideHibernationAsync).Requires(Permission.UpdateDeployment)
            .Operation<OverrideDeploymentHibernationRequest>("UpdateDeploymentHibernationOverride");
        deployments.MapDelete("/{deploymentId}/hibernation-override", RemoveHibernationOverrideAsync).Requires(Permission.UpdateDeployment)
            .Operation("DeleteDeploymentHibernationOverride");
        routes.MapGet("/organizations/{organizationId}/deployment-options", GetOptionsAsync).Requires(Permission.ReadDeploymentOptions)
            .Operation("GetDeploymentOptions");
    }

    private static CountDeployments CountIn(UpdraftDbContext db) => (workspace, cancellationToken) =>
        db.Deployments.CountAsync(row => row.WorkspaceId == workspace && row.DeletedAt == null, cancellationToken);

    private static Task<DeploymentsPaginated> ListAsync(OrganizationId organizationId, Subject subject, DeploymentQueries queries,
        ApiVersion version, Paging paging, string[]? deploymentIds, string[]? names, string[]? workspaceIds, string[]? sorts,
        CancellationToken cancellationToken) =>
        queries.ListAsync(version, subject, organizationId, new DeploymentFilter(deploymentIds, names, workspaceIds, sorts), paging,
            cancellationToken);

    private static async Task<DeploymentResponse> CreateAsync(OrganizationId organizationId, HttpRequest request, Subject subject,
        CreateDeployment createDeployment, DeploymentQueries queries, ApiVersion version, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateDeploymentRequest, cancellationToken);
        var id = await createDeployment.RunAsync(subject, organizationId, body, cancellationToken);
        return await queries.GetAsync(version, id, cancellationToken);
    }

    private static Task<DeploymentResponse> GetAsync(DeploymentId deploymentId, DeploymentQueries queries, ApiVersion version,
        CancellationToken cancellationToken) => queries.GetAsync(version, deploymentId, cancellationToken);

    private static async Task<DeploymentResponse> UpdateAsync(DeploymentId deploymentId, HttpRequest request, Subject subject,
        UpdateDeployment updateDeployment, DeploymentQueries queries, ApiVersion version, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateDeploymentRequest, cancellationToken);
        await updateDeployment.RunAsync(subject, deploymentId, body, version.IsDeclarative ? null : request.ReadFieldNames(),
            cancellationToken);
        return await queries.GetAsync(version, deploymentId, cancellationToken);
    }

    private static async Task<IResult> DeleteAsync(DeploymentId deploymentId, Subject subject, DeleteDeployment deleteDeployment,
        CancellationToken cancellationToken)
    {
        await deleteDeployment.RunAsync(subject, deploymentId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<DeploymentHibernationOverride> OverrideHibernationAsync(DeploymentId deploymentId, HttpRequest request,
        Subject subject, OverrideHibernation overrideHibernation, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.OverrideDeploymentHibernationRequest, cancellationToken);
        return await overrideHibernation.SetAsync(subject, deploymentId, body, request.ReadFieldNames(), cancellationToken);
    }

    private static async Task<IResult> RemoveHibernationOverrideAsync(DeploymentId deploymentId, Subject subject,
        OverrideHibernation overrideHibernation, CancellationToken cancellationToken)
    {
        await overrideHibernation.RemoveAsync(subject, deploymentId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static Task<DeploymentOptionsResponse> GetOptionsAsync(Subject subject, ReadDeploymentOptions readOptions,
        [AllowedValues("STANDARD", "DEDICATED", "HYBRID")] string? deploymentType,
        [AllowedValues("CELERY", "KUBERNETES", "ASTRO")] string? executor,
        [AllowedValues("AWS", "AZURE", "GCP")] string? cloudProvider, CancellationToken cancellationToken) =>
        readOptions.RunAsync(subject, deploymentType, executor, cloudProvider, cancellationToken);
}
