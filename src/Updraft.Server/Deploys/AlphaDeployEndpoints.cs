using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Deploys.Compare;
using Updraft.Server.Deploys.Steps;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>
/// Deploys under <c>/v1alpha1</c>: named DAG bundles, the steps of a deploy, and the differences of two deploys. Clients upload to these
/// deploys and finalize them through <c>/v1</c>.
/// </summary>
internal static class AlphaDeployEndpoints
{
    public static void MapAlphaDeploys(this IEndpointRouteBuilder routes)
    {
        var deploys = routes.MapGroup("/organizations/{organizationId}/deployments/{deploymentId}/deploys");
        deploys.MapGet("", List).Requires(Permission.ReadDeploys).Operation("ListDeploys");
        deploys.MapPost("", Create).Requires(Permission.CreateDeploys).Operation<CreateAlphaDeployRequest>("CreateDeploy");
        deploys.MapGet("/diff", Compare).Requires(Permission.ReadDeploys).Operation("GetDeployDiff");
        deploys.MapGet("/{deployId}", Get).Requires(Permission.ReadDeploys).Operation("GetDeploy");
        deploys.MapGet("/{deployId}/steps", ListSteps).Requires(Permission.ReadDeploys).Operation("ListDeploySteps")
            .WithMetadata(ReadsContent.Instance);
        deploys.MapGet("/{deployId}/steps/{stepId}/logs", ListStepLogs).Requires(Permission.ReadDeploys).Operation("ListDeployStepLogs")
            .WithMetadata(ReadsContent.Instance);
    }

    private static async Task<JsonHttpResult<AlphaDeploysPaginated>> List(DeploymentId deploymentId, Paging paging, string? search,
        string? subjectId, Subject subject, DeployQueries queries, CancellationToken cancellationToken)
    {
        var page = string.IsNullOrEmpty(search) && string.IsNullOrEmpty(subjectId)
            ? await queries.ListAsync(subject, deploymentId, paging, cancellationToken)
            : await queries.SearchAsync(subject, deploymentId, search, subjectId, paging, cancellationToken);
        return TypedResults.Json(new()
        {
            Deploys = [.. page.Deploys.Select(deploy => deploy.ToAlpha())],
            Limit = page.Limit,
            Offset = page.Offset,
            TotalCount = page.TotalCount,
        }, ApiJson.Default.AlphaDeploysPaginated);
    }

    private static async Task<JsonHttpResult<AlphaDeployResponse>> Create(DeploymentId deploymentId, HttpRequest request, Subject subject,
        CreateDeploy create, DeployQueries queries, IOptions<ServerOptions> options, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateAlphaDeployRequest, cancellationToken);
        var id = await create.RunAsync(subject, deploymentId, DeploySpec.Of(body, options.Value.AirflowHome), cancellationToken);
        var deploy = await queries.GetAsync(subject, deploymentId, id, cancellationToken);
        return TypedResults.Json(deploy.ToAlpha(), ApiJson.Default.AlphaDeployResponse);
    }

    private static async Task<JsonHttpResult<AlphaDeployResponse>> Get(DeploymentId deploymentId, DeployId deployId, bool? includeSteps,
        Subject subject, DeployQueries queries, DeploySteps steps, CancellationToken cancellationToken)
    {
        var deploy = (await queries.GetAsync(subject, deploymentId, deployId, cancellationToken)).ToAlpha();
        // A deploy cannot fail before finalize, so a request to the image registry is not needed.
        if (includeSteps != true && deploy.Status == "INITIALIZED")
            return TypedResults.Json(deploy, ApiJson.Default.AlphaDeployResponse);
        var progress = await steps.ReadAsync(deploymentId, deployId, cancellationToken);
        return TypedResults.Json(deploy with
        {
            StatusReason = progress.Failure ?? progress.Warning,
            Steps = includeSteps == true ? [.. progress.Steps.Select(step => step.Response)] : null,
        }, ApiJson.Default.AlphaDeployResponse);
    }

    private static async Task<JsonHttpResult<DeployStepsPaginated>> ListSteps(DeploymentId deploymentId, DeployId deployId, Paging paging,
        string[]? sorts, DeploySteps steps, CancellationToken cancellationToken) =>
        TypedResults.Json(await steps.ListAsync(deploymentId, deployId, paging, sorts, cancellationToken),
            ApiJson.Default.DeployStepsPaginated);

    private static async Task<JsonHttpResult<DeployStepLogsPaginated>> ListStepLogs(DeploymentId deploymentId, DeployId deployId,
        string stepId, string? searchId, Paging paging, DeploySteps steps, CancellationToken cancellationToken) =>
        TypedResults.Json(await steps.ListLogsAsync(deploymentId, deployId, stepId, searchId, paging, cancellationToken),
            ApiJson.Default.DeployStepLogsPaginated);

    private static async Task<JsonHttpResult<DeployDiffResponse>> Compare(DeploymentId deploymentId, string? deployIdBefore,
        string? deployIdAfter, Subject subject, CompareSettings compare, CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(deployIdBefore) || string.IsNullOrEmpty(deployIdAfter))
            throw ApiException.BadRequest("'deployIdBefore' and 'deployIdAfter' are required: they name the two deploys to compare.");
        return TypedResults.Json(await compare.RunAsync(subject, deploymentId, new(deployIdBefore), new(deployIdAfter), cancellationToken),
            ApiJson.Default.DeployDiffResponse);
    }

    /// <summary>Converts a response of <c>/v1</c>.</summary>
    public static AlphaDeployResponse ToAlpha(this DeployResponse deploy) => new()
    {
        Id = deploy.Id,
        DeploymentId = deploy.DeploymentId,
        Type = deploy.Type,
        Status = deploy.Status,
        Description = deploy.Description,
        IsDagDeployEnabled = deploy.IsDagDeployEnabled,
        ImageRepository = deploy.ImageRepository,
        ImageTag = deploy.ImageTag,
        AirflowVersion = deploy.AirflowVersion,
        RuntimeVersion = deploy.AstroRuntimeVersion,
        DagTarballVersion = deploy.DagTarballVersion,
        DagsUploadUrl = deploy.DagsUploadUrl,
        BundleUploadUrl = deploy.BundleUploadUrl,
        BundleMountPath = deploy.BundleMountPath,
        Bundles = deploy.Bundles,
        Git = deploy.Git,
        RollbackFromId = deploy.RollbackFromId,
        CreatedAt = deploy.CreatedAt,
        CreatedBySubject = deploy.CreatedBySubject,
        UpdatedAt = deploy.UpdatedAt,
        UpdatedBySubject = deploy.UpdatedBySubject,
    };
}
