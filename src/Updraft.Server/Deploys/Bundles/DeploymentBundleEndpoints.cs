using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>The bundles of a Deployment over HTTP.</summary>
internal static class DeploymentBundleEndpoints
{
    public static void AddDeploymentBundles(this IHostApplicationBuilder builder)
    {
        var services = builder.Services;
        services.AddScoped<BundleQueries>();
        services.AddScoped<PendingBundleDeletions>();
        services.AddScoped<CreateBundle>();
        services.AddScoped<UpdateBundle>();
        services.AddScoped<ChangeBundle>();
        services.AddScoped<DeleteBundle>();
        services.AddScoped<RollBackBundle>();
    }

    public static void MapDeploymentBundles(this IEndpointRouteBuilder routes)
    {
        var bundles = routes.MapGroup("/organizations/{organizationId}/deployments/{deploymentId}/bundles");
        bundles.MapGet("", List).Requires(Permission.ReadDeploys).Operation("ListBundles");
        bundles.MapPost("", Create).Requires(Permission.CreateDeploys).Operation<CreateBundleRequest>("CreateBundle");
        bundles.MapGet("/{bundleId}", Get).Requires(Permission.ReadDeploys).Operation("GetBundle");
        bundles.MapPost("/{bundleId}", Update).Requires(Permission.UpdateDeploys).Operation<UpdateBundleRequest>("UpdateBundle");
        bundles.MapDelete("/{bundleId}", Delete).Requires(Permission.UpdateDeploys).Operation("DeleteBundle");
        bundles.MapGet("/{bundleId}/versions", ListVersions).Requires(Permission.ReadDeploys).Operation("ListBundleVersions");
        bundles.MapPost("/{bundleId}/rollback", RollBack).Requires(Permission.UpdateDeploys)
            .Operation<BundleRollbackRequest>("RollbackBundle");
    }

    private static async Task<JsonHttpResult<BundlesPaginated>> List(DeploymentId deploymentId, bool? isDagBundle,
        [AllowedValues(CreateBundle.OnlyType)] string? type,
        Paging paging, BundleQueries queries, CancellationToken cancellationToken)
    {
        TextLimit.OneOf(string.IsNullOrEmpty(type) ? null : type, "type", CreateBundle.OnlyType, CreateBundle.OnlyType);
        return TypedResults.Json(await queries.ListAsync(deploymentId, isDagBundle, paging, cancellationToken),
            ApiJson.Default.BundlesPaginated);
    }

    private static async Task<JsonHttpResult<BundleResponse>> Create(DeploymentId deploymentId, HttpRequest request, Subject subject,
        CreateBundle create, BundleQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateBundleRequest, cancellationToken);
        var id = await create.RunAsync(subject, deploymentId, body, cancellationToken);
        return await ShowAsync(deploymentId, id, queries, cancellationToken);
    }

    private static Task<JsonHttpResult<BundleResponse>> Get(DeploymentId deploymentId, BundleId bundleId, BundleQueries queries,
        CancellationToken cancellationToken) => ShowAsync(deploymentId, bundleId, queries, cancellationToken);

    private static async Task<JsonHttpResult<BundleResponse>> Update(DeploymentId deploymentId, BundleId bundleId, HttpRequest request,
        Subject subject, UpdateBundle update, BundleQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateBundleRequest, cancellationToken);
        await update.RunAsync(subject, deploymentId, bundleId, body, cancellationToken);
        return await ShowAsync(deploymentId, bundleId, queries, cancellationToken);
    }

    private static async Task<NoContent> Delete(DeploymentId deploymentId, BundleId bundleId, Subject subject, DeleteBundle delete,
        CancellationToken cancellationToken)
    {
        await delete.RunAsync(subject, deploymentId, bundleId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static async Task<JsonHttpResult<BundleVersionsPaginated>> ListVersions(DeploymentId deploymentId, BundleId bundleId,
        Paging paging, BundleQueries queries, CancellationToken cancellationToken) => TypedResults.Json(
            await queries.ListVersionsAsync(deploymentId, bundleId, paging, cancellationToken), ApiJson.Default.BundleVersionsPaginated);

    private static async Task<JsonHttpResult<BundleResponse>> RollBack(DeploymentId deploymentId, BundleId bundleId, HttpRequest request,
        Subject subject, RollBackBundle rollBack, BundleQueries queries, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.BundleRollbackRequest, cancellationToken);
        await rollBack.RunAsync(subject, deploymentId, bundleId, body, cancellationToken);
        return await ShowAsync(deploymentId, bundleId, queries, cancellationToken);
    }

    private static async Task<JsonHttpResult<BundleResponse>> ShowAsync(DeploymentId deploymentId, BundleId bundleId, BundleQueries queries,
        CancellationToken cancellationToken) =>
        TypedResults.Json(await queries.GetAsync(deploymentId, bundleId, cancellationToken), ApiJson.Default.BundleResponse);
}
