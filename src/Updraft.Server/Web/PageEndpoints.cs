using System.Globalization;
using System.Text.Json;
using Microsoft.AspNetCore.Antiforgery;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys;
using Updraft.Server.Deploys.Compare;
using Updraft.Server.Security;
using Updraft.Server.SignIn;
using Updraft.Server.Telemetry;
using Updraft.Server.Tokens;
using Updraft.Server.Users;

namespace Updraft.Server.Web;

/// <summary>
/// The web UI, rendered on the server with the queries and operations of the API. A page is a GET. A form is a POST that runs one operation
/// and then redirects to a page, or renders a new secret.
/// </summary>
internal static class PageEndpoints
{
    private static readonly HashSet<string> SettingsOfPage = ["name", "description", "isDagDeployEnabled", "isCicdEnforced"];

    public static void AddPages(this WebApplicationBuilder builder)
    {
        builder.Services.AddRazorComponents();
        builder.Services.AddAntiforgery();
        builder.Services.AddOptions<AntiforgeryOptions>().Configure<IOptions<ServerOptions>>((forms, server) =>
        {
            forms.Cookie.Name = SignInServices.CookieName(server.Value, "updraft-form");
            forms.SuppressXFrameOptionsHeader = true;
            SignInServices.Harden(forms.Cookie, server.Value);
        });
        builder.Services.AddSingleton<PageLinks>();
        builder.Services.AddSingleton<PageAssets>();
        builder.Services.AddSingleton<LiveEvents>();
        builder.Services.AddTraceNoise(static path =>
            path.Contains("/assets/", StringComparison.Ordinal) || path.EndsWith("/events", StringComparison.Ordinal));
        builder.Services.AddSingleton<ShowMessage>(PageFrame.ShowAsync);
        builder.Services.AddScoped<DeploymentOverviews>();
        builder.Services.AddScoped<ScopeNames>();
    }

    /// <summary>After routing, and before authorization, which needs the subject of the session.</summary>
    public static void UsePages(this WebApplication app)
    {
        app.UseMiddleware<PageFrame>();
        app.UseMiddleware<PageSession>();
    }

    public static void MapPages(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/assets/{version}/{name}", PageAssets.Get).AllowAnonymous();

        var pages = routes.MapGroup("").WithMetadata(PageRoute.Instance).AddEndpointFilter<RouteGroupBuilder, CheckForm>();
        pages.MapSession();
        pages.MapGet("/", (PageLinks links) => TypedResults.Redirect(links.To($"/deployments"))).AllowAnonymous();
        // The URL that the astro CLI prints for a Deployment, and the URL that Airflow shows for a version. The CLI derives the host from
        // its domain, so it can be another one, to which the identity provider does not return.
        pages.MapGet("/{workspaceId:length(25)}/deployments/{deploymentId}/{**rest}", (string deploymentId, PageLinks links) =>
            TypedResults.Redirect(links.AtPublicHost($"/deployments/{deploymentId}"))).AllowAnonymous();
        pages.MapGet("/deploys", FindVersionAsync).Requires(Permission.ListDeployments);

        // Public, as the OpenAPI documents are.
        pages.MapPage<ApiReferencePage>("/docs/{document?}").AllowAnonymous();
        pages.MapPage<DeploymentsPage>("/deployments").Requires(Permission.ListDeployments);
        pages.MapGet("/deployments/events",
            (HttpContext context, Subject subject, LiveEvents events) => events.OfAllDeployments(context, subject))
            .Requires(Permission.ListDeployments);
        var deployment = pages.MapGroup("/deployments/{deploymentId}");
        deployment.MapPage<DeploymentPage>("").Requires(Permission.ReadDeployment);
        deployment.MapGet("/events",
            (DeploymentId deploymentId, HttpContext context, LiveEvents events) => events.OfDeployment(context, deploymentId))
            .Requires(Permission.ReadDeployment);
        deployment.MapPage<DeployPage>("/deploys/{deployId}").Requires(Permission.ReadDeploys)
            .WithMetadata(ReadsContent.Instance);
        deployment.MapPage<DiffPage>("/deploys/{deployId}/diff").Requires(Permission.ReadDeploys)
            .WithMetadata(ReadsContent.Instance);
        deployment.MapPage<RollbackPage>("/deploys/{deployId}/rollback").Requires(Permission.UpdateDeploys)
            .WithMetadata(ReadsContent.Instance);
        deployment.MapPost("/deploys/{deployId}/rollback", RollBackAsync).Requires(Permission.UpdateDeploys);
        deployment.MapPage<BundlesPage>("/bundles").Requires(Permission.ReadDeploys);
        deployment.MapPage<BundlePage>("/bundles/{bundleId}").Requires(Permission.ReadDeploys);
        deployment.MapPage<FilesPage>("/versions/{version}/files").Requires(Permission.ReadDeploys)
            .WithMetadata(ReadsContent.Instance);
        deployment.MapGet("/versions/{version}/download", DeployFileEndpoints.DownloadAsync).Requires(Permission.ReadDeploys)
            .WithMetadata(ReadsContent.Instance);
        deployment.MapPage<SettingsPage>("/settings").Requires(Permission.ReadDeployment);
        deployment.MapPost("/settings", ChangeSettingsAsync).Requires(Permission.UpdateDeployment);
        deployment.MapPage<AgentTokensPage>("/agent-tokens").Requires(Permission.ReadAgentTokens);
        deployment.MapPost("/agent-tokens", CreateAgentTokenAsync).Requires(Permission.ManageAgentTokens);
        deployment.MapPost("/agent-tokens/{agentTokenId}/revoke", RevokeAgentTokenAsync).Requires(Permission.ManageAgentTokens);

        pages.MapPage<TokensPage>("/tokens").Requires(Permission.ManageTokens);
        pages.MapPost("/tokens", CreateTokenAsync).Requires(Permission.ManageTokens);
        pages.MapPost("/tokens/{tokenId}/rotate", RotateTokenAsync).Requires(Permission.ManageTokens);
        pages.MapPost("/tokens/{tokenId}/revoke", RevokeTokenAsync).Requires(Permission.ManageTokens);
        pages.MapPage<AuditLogPage>("/audit-log").Requires(Permission.ReadAuditLog);
        pages.MapWebhookPages();
        pages.MapPage<MembersPage>("/members").Requires(Permission.ReadUsers);
        pages.MapPost("/members/{userId}/role", ChangeRoleAsync).Requires(Permission.ManageUserRoles);
        pages.MapPost("/members/{userId}/status", ChangeStatusAsync).Requires(Permission.ManageUsers);
        pages.MapPost("/members/{userId}/sessions/end", EndSessionsAsync).Requires(Permission.ManageUsers);
    }

    /// <summary>Maps a page; the response starts when all its data is read.</summary>
    public static RouteHandlerBuilder MapPage<TPage>(this IEndpointRouteBuilder routes, string pattern)
        where TPage : IComponent =>
        routes.MapGet(pattern, static IResult () => new RazorComponentResult<TPage> { PreventStreamingRendering = true });

    private static async Task<RedirectHttpResult> FindVersionAsync(string? version, Subject subject, UpdraftDbContext db, PageLinks links,
        CancellationToken cancellationToken)
    {
        if (string.IsNullOrEmpty(version))
            throw ApiException.BadRequest("The query parameter 'version' is missing. Send /deploys?version=VERSION.");
        var found = await DeploymentQueries.Visible(db, subject, subject.Organization)
            .Join(db.BundleVersions.Where(row => row.Version == version), deployment => deployment.Id, row => row.DeploymentId,
                (_, row) => new { row.DeploymentId, row.DeployId })
            .FirstOrDefaultAsync(cancellationToken) ?? throw ApiException.NotFound("version", version);
        return TypedResults.Redirect(links.To($"/deployments/{found.DeploymentId}/deploys/{found.DeployId}"));
    }

    private static async Task<RedirectHttpResult> RollBackAsync(DeploymentId deploymentId, DeployId deployId, HttpRequest request,
        Subject subject, RollBackDeploy rollBack, PageLinks links, CancellationToken cancellationToken)
    {
        var description = await FieldAsync(request, "description");
        var (id, _) = await rollBack.RunAsync(subject, deploymentId, deployId, new() { Description = description }, cancellationToken);
        return TypedResults.Redirect(links.To($"/deployments/{deploymentId}/deploys/{id}"));
    }

    private static async Task<RedirectHttpResult> ChangeSettingsAsync(DeploymentId deploymentId, HttpRequest request, Subject subject,
        DeploymentQueries queries, UpdateDeployment update, PageLinks links, CancellationToken cancellationToken)
    {
        var form = await request.ReadFormAsync(cancellationToken);
        // The response of the API is a valid update request, but lacks some settings. So only the fields of the page change.
        var current = await queries.GetAsync(ApiVersion.V1, deploymentId, cancellationToken);
        var unchanged = JsonSerializer.Deserialize(JsonSerializer.SerializeToUtf8Bytes(current, ApiJson.Default.DeploymentResponse),
            ApiJson.Default.UpdateDeploymentRequest)!;
        await update.RunAsync(subject, deploymentId, unchanged with
        {
            Name = form["name"].ToString(),
            Description = form["description"].ToString() is { Length: > 0 } description ? description : null,
            // A browser does not send a disabled checkbox.
            IsDagDeployEnabled = current.IsCicdEnforced ? current.IsDagDeployEnabled : form["dagDeploys"] == "true",
            IsCicdEnforced = form["cicd"] == "true",
        }, SettingsOfPage, cancellationToken);
        return TypedResults.Redirect(links.To($"/deployments/{deploymentId}/settings?saved=1"));
    }

    private static async Task<IResult> CreateAgentTokenAsync(DeploymentId deploymentId, HttpRequest request,
        Subject subject, CreateToken create, CancellationToken cancellationToken)
    {
        var (row, token) = await create.RunAsync(subject, deploymentId, new CreateAgentTokenRequest
        {
            Name = await FieldAsync(request, "name"),
            TokenExpiryPeriodInDays = await DaysAsync(request),
        }, cancellationToken);
        return new RazorComponentResult<AgentTokensPage>(new { Secret = token, SecretName = row.Name });
    }

    private static async Task<RedirectHttpResult> RevokeAgentTokenAsync(DeploymentId deploymentId, TokenId agentTokenId, Subject subject,
        TokenQueries queries, DeleteToken delete, PageLinks links, CancellationToken cancellationToken)
    {
        await delete.RunAsync(subject, queries.OfAgents(deploymentId), agentTokenId, cancellationToken);
        return TypedResults.Redirect(links.To($"/deployments/{deploymentId}/agent-tokens"));
    }

    private static async Task<IResult> CreateTokenAsync(HttpRequest request, Subject subject, CreateToken create,
        CancellationToken cancellationToken)
    {
        var role = await FieldAsync(request, "role");
        var (row, token) = await create.RunAsync(subject, new CreateApiTokenRequest
        {
            Name = await FieldAsync(request, "name"),
            Description = await FieldAsync(request, "description"),
            Scope = RoleCatalog.Find(role ?? "")?.Scope().ToString().ToUpperInvariant(),
            Role = role,
            EntityId = await FieldAsync(request, "place"),
            TokenExpiryPeriodInDays = await DaysAsync(request),
        }, cancellationToken);
        return new RazorComponentResult<TokensPage>(new { Secret = token, SecretName = row.Name });
    }

    private static async Task<IResult> RotateTokenAsync(TokenId tokenId, Subject subject, ChangeToken change,
        CancellationToken cancellationToken)
    {
        var (row, token) = await change.RotateAsync(subject, tokenId, cancellationToken);
        return new RazorComponentResult<TokensPage>(new { Secret = token, SecretName = row.Name });
    }

    private static async Task<RedirectHttpResult> RevokeTokenAsync(TokenId tokenId, Subject subject, TokenQueries queries,
        DeleteToken delete, PageLinks links, CancellationToken cancellationToken)
    {
        await delete.RunAsync(subject, queries.Visible(subject), tokenId, cancellationToken);
        return TypedResults.Redirect(links.To($"/tokens"));
    }

    private static async Task<RedirectHttpResult> ChangeRoleAsync(UserId userId, HttpRequest request, Subject subject, UserQueries queries,
        UpdateUserRoles update, PageLinks links, CancellationToken cancellationToken)
    {
        var user = await queries.GetAsync(subject, ApiVersion.V1, userId, cancellationToken);
        await update.RunAsync(subject, userId, new UpdateUserRolesRequest
        {
            OrganizationRole = await FieldAsync(request, "role"),
            WorkspaceRoles = user.WorkspaceRoles,
            DeploymentRoles = user.DeploymentRoles,
        }, sent: null, cancellationToken);
        return TypedResults.Redirect(links.To($"/members"));
    }

    private static async Task<RedirectHttpResult> ChangeStatusAsync(UserId userId, HttpRequest request, Subject subject,
        ChangeUserStatus change, PageLinks links, CancellationToken cancellationToken)
    {
        var status = TextLimit.OneOf(await FieldAsync(request, "status") ?? "", "status", "", "ACTIVE", "INACTIVE");
        await change.SetAsync(subject, userId, status == "ACTIVE" ? UserStatus.Active : UserStatus.Inactive, cancellationToken);
        return TypedResults.Redirect(links.To($"/members"));
    }

    private static async Task<RedirectHttpResult> EndSessionsAsync(UserId userId, Subject subject, ChangeUserStatus change, PageLinks links,
        CancellationToken cancellationToken)
    {
        await change.EndSessionsAsync(subject, userId, cancellationToken);
        return TypedResults.Redirect(links.To($"/members"));
    }

    private static async Task<string?> FieldAsync(HttpRequest request, string name) =>
        (await request.ReadFormAsync(request.HttpContext.RequestAborted))[name].ToString() is { Length: > 0 } text ? text : null;

    private static async Task<int?> DaysAsync(HttpRequest request) => await FieldAsync(request, "days") switch
    {
        null => null,
        var text => int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var days) ? days
            : throw ApiException.BadRequest($"'{ApiException.Shorten(text)}' is not a valid lifetime. "
                + "Enter a whole number of days, or leave the field empty."),
    };
}
