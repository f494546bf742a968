using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Deploys.Compare;
using Updraft.Server.Deploys.Steps;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;
using Updraft.Server.Uploads;

namespace Updraft.Server.Deploys;

/// <summary>Deploys under <c>/v1</c> and <c>/v1beta1</c>.</summary>
internal static class DeployEndpoints
{
    private const string WarningHeader = "X-Updraft-Warning", JsonText = "application/json; charset=utf-8";

    public static void MapDeploys(this IEndpointRouteBuilder routes)
    {
        var deploys = routes.MapGroup("/organizations/{organizationId}/deployments/{deploymentId}/deploys");
        deploys.MapGet("", List).Requires(Permission.ReadDeploys).Operation("ListDeploys").Produces<DeploysPaginated>();
        deploys.MapPost("", Create).Requires(Permission.CreateDeploys).Operation<CreateDeployRequest>("CreateDeploy");
        deploys.MapGet("/{deployId}", Get).Requires(Permission.ReadDeploys).Operation("GetDeploy").Produces<DeployResponse>();
        deploys.MapPost("/{deployId}", Update).Requires(Permission.UpdateDeploys).Operation<UpdateDeployRequest>("UpdateDeploy");
        deploys.MapPost("/{deployId}/finalize", Commit).Requires(Permission.UpdateDeploys)
            .Operation<FinalizeDeployRequest>("FinalizeDeploy");
        deploys.MapPost("/{deployId}/rollback", RollBack).Requires(Permission.UpdateDeploys)
            .Operation<DeployRollbackRequest>("DeployRollback");
    }

    public static void AddDeploys(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<CreateDeploy>();
        builder.Services.AddScoped<UpdateDeploy>();
        builder.Services.AddMetricsOf(DeployMetrics.Begin);
        builder.Services.AddScoped<FinalizeDeploy>();
        builder.Services.AddScoped<RollBackDeploy>();
        builder.Services.AddScoped<AppendRollback>();
        builder.Services.AddScoped<RollBackFailedDeploy>();
        builder.Services.AddScoped<AbortRevision>(static services => services.GetRequiredService<RollBackFailedDeploy>().RunAsync);
        builder.Services.AddSingleton<FindDeploy>();
        builder.Services.AddSingleton<FindDeployPage>();
        builder.Services.AddSingleton<DescribeDeploy>();
        builder.Services.AddSingleton<ShowDeploy>();
        builder.Services.AddSingleton<ShowDeployPage>();
        builder.Services.AddSingleton<PublishedTypes>();
        builder.Services.AddScoped<DeployQueries>();
        builder.Services.AddScoped<DeploySteps>();
        builder.Services.AddScoped<ReadDeployDetails>();
        builder.Services.AddScoped<ReadDeployView>();
        builder.Services.AddScoped<CompareSettings>();
        builder.Services.AddScoped<ImagesInUse>();
        builder.Services.AddScoped<ReadNeededImages>(static services => services.GetRequiredService<ImagesInUse>().RunAsync);
        builder.Services.AddScoped<FindCreator>();
        builder.Services.AddScoped<IsCreatorValid>(provider => provider.GetRequiredService<FindCreator>().IsValidAsync);
        builder.Services.AddScoped<CompareFiles>();
        builder.Services.AddScoped<RemoveGitCredentials>();
        builder.Services.AddScoped<CompareText>();
        builder.Services.AddScoped<DeployHistory>();
    }

    private static async Task<Utf8ContentHttpResult> List(DeploymentId deploymentId, Paging paging, Subject subject, ShowDeployPage show,
        CancellationToken cancellationToken) =>
        TypedResults.Text((await show.RunAsync(subject, deploymentId, paging, cancellationToken)).Span, JsonText);

    private static async Task<JsonHttpResult<DeployResponse>> Create(DeploymentId deploymentId, HttpRequest request, Subject subject,
        CreateDeploy create, DeployQueries queries, IOptions<ServerOptions> options, PublishedTypes types,
        CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateDeployRequest, cancellationToken);
        var id = await create.RunAsync(subject, deploymentId, DeploySpec.Of(body, options.Value.AirflowHome), cancellationToken);
        return await ShowAsync(deploymentId, id, subject, queries, types, cancellationToken);
    }

    private static async Task<Utf8ContentHttpResult> Get(DeploymentId deploymentId, DeployId deployId, Subject subject,
        ShowDeploy show, CancellationToken cancellationToken) =>
        TypedResults.Text(await show.RunAsync(subject, deploymentId, deployId, cancellationToken), JsonText);

    private static async Task<JsonHttpResult<DeployResponse>> Update(DeploymentId deploymentId, DeployId deployId, HttpRequest request,
        Subject subject, UpdateDeploy update, DeployQueries queries, PublishedTypes types, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateDeployRequest, cancellationToken);
        await update.RunAsync(subject, deploymentId, deployId, body, cancellationToken);
        return await ShowAsync(deploymentId, deployId, subject, queries, types, cancellationToken);
    }

    private static async Task<JsonHttpResult<DeployResponse>> Commit(DeploymentId deploymentId, DeployId deployId, HttpRequest request,
        Subject subject, FinalizeDeploy finalize, DeployQueries queries, PublishedTypes types, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.FinalizeDeployRequest, cancellationToken);
        await finalize.RunAsync(subject, deploymentId, deployId, body, cancellationToken);
        return await ShowAsync(deploymentId, deployId, subject, queries, types, cancellationToken);
    }

    private static async Task<JsonHttpResult<DeployResponse>> RollBack(DeploymentId deploymentId, DeployId deployId, HttpRequest request,
        Subject subject, RollBackDeploy rollBack, DeployQueries queries, PublishedTypes types, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.DeployRollbackRequest, cancellationToken);
        var (id, warning) = await rollBack.RunAsync(subject, deploymentId, deployId, body, cancellationToken);
        // The contract defines the body and has no field for warnings.
        if (warning is not null)
            request.HttpContext.Response.Headers[WarningHeader] = warning;
        return await ShowAsync(deploymentId, id, subject, queries, types, cancellationToken);
    }

    private static async Task<JsonHttpResult<DeployResponse>> ShowAsync(DeploymentId deploymentId, DeployId deployId, Subject subject,
        DeployQueries queries, PublishedTypes types, CancellationToken cancellationToken) => TypedResults.Json(
            types.Apply(await queries.GetAsync(subject, deploymentId, deployId, cancellationToken)), ApiJson.Default.DeployResponse);
}
