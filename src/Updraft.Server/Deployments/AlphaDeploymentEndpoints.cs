using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>Deployments under <c>/v1alpha1</c>, read-only. Clients read the desired versions there.</summary>
internal static class AlphaDeploymentEndpoints
{
    public static void MapAlphaDeployments(this IEndpointRouteBuilder routes)
    {
        var deployments = routes.MapGroup("/organizations/{organizationId}/deployments");
        deployments.MapGet("/", ListAsync).Requires(Permission.ListDeployments).Operation("ListDeployments");
        deployments.MapGet("/{deploymentId}", GetAsync).Requires(Permission.ReadDeployment).Operation("GetDeployment");
    }

    private static async Task<AlphaDeploymentsPaginated> ListAsync(OrganizationId organizationId, Subject subject,
        DeploymentQueries queries, Paging paging, string[]? deploymentIds, string[]? names, string[]? workspaceIds, string[]? sorts,
        CancellationToken cancellationToken)
    {
        var filter = new DeploymentFilter(deploymentIds, names, workspaceIds, sorts);
        var page = await queries.ListAsync(ApiVersion.V1, subject, organizationId, filter, paging, cancellationToken);
        return new()
        {
            Deployments = [.. page.Deployments.Select(ToAlpha)],
            Limit = page.Limit,
            Offset = page.Offset,
            TotalCount = page.TotalCount,
        };
    }

    private static async Task<AlphaDeploymentResponse> GetAsync(DeploymentId deploymentId, DeploymentQueries queries,
        CancellationToken cancellationToken) => ToAlpha(await queries.GetAsync(ApiVersion.V1, deploymentId, cancellationToken));

    private static AlphaDeploymentResponse ToAlpha(DeploymentResponse deployment) => new()
    {
        Id = deployment.Id,
        Name = deployment.Name,
        Description = deployment.Description,
        Namespace = deployment.Namespace,
        OrganizationId = deployment.OrganizationId,
        WorkspaceId = deployment.WorkspaceId,
        WorkspaceName = deployment.WorkspaceName,
        Type = deployment.Type,
        Status = deployment.Status,
        StatusReason = deployment.StatusReason,
        RuntimeVersion = deployment.RuntimeVersion,
        AirflowVersion = deployment.AirflowVersion,
        IsDagDeployEnabled = deployment.IsDagDeployEnabled,
        IsCicdEnforced = deployment.IsCicdEnforced,
        WebServerUrl = deployment.WebServerUrl,
        ImageRepository = deployment.ImageRepository,
        ImageTag = deployment.ImageTag,
        DesiredImageVersion = deployment.ImageVersion,
        DagTarballVersion = deployment.DagTarballVersion,
        DesiredDagTarballVersion = deployment.DesiredDagTarballVersion,
        ScalingSpec = deployment.ScalingSpec,
        CreatedAt = deployment.CreatedAt,
        UpdatedAt = deployment.UpdatedAt,
    };
}
