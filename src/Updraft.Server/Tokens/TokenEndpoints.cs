using System.ComponentModel.DataAnnotations;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Endpoints of API tokens and agent tokens.</summary>
internal static class TokenEndpoints
{
    public static void AddTokens(this WebApplicationBuilder builder)
    {
        builder.Services.AddOptions<BootstrapOptions>().Bind(builder.Configuration.GetSection(BootstrapOptions.Section))
            .ValidateDataAnnotations().ValidateOnStart();
        builder.Services.AddSingleton<SigningKeys>();
        builder.Services.AddSingleton<IssueToken>();
        builder.Services.AddSingleton<TokenCache>();
        builder.Services.AddScoped<BootstrapTenancy>();
        builder.Services.AddScoped<CheckKeys>();
        foreach (var name in new[] { "signing", "uploads" })
            builder.Services.AddSingleton(provider => provider.GetRequiredService<SigningKeys>().Shared.Single(key => key.Name == name));
        builder.Services.AddScoped<TokenQueries>();
        builder.Services.AddScoped<CreateToken>();
        builder.Services.AddScoped<ChangeToken>();
        builder.Services.AddScoped<DeleteToken>();
        builder.Services.AddScoped<ResolveRoleScope>();
        builder.Services.AddScoped<LastOwner>();
    }

    public static void MapTokens(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/organizations/{organizationId}/tokens");
        tokens.MapGet("/", ListAsync).Requires(Permission.ManageTokens).Operation("ListApiTokens").Sorts(TokenQueries.Sorting.Orders);
        tokens.MapPost("/", CreateAsync).Requires(Permission.ManageTokens).Operation<CreateApiTokenRequest>("CreateApiToken");
        tokens.MapGet("/{tokenId}", GetAsync).Requires(Permission.ManageTokens).Operation("GetApiToken");
        tokens.MapPost("/{tokenId}", UpdateAsync).Requires(Permission.ManageTokens).Operation<UpdateApiTokenRequest>("UpdateApiToken");
        tokens.MapPost("/{tokenId}/roles", UpdateRolesAsync).Requires(Permission.ManageTokens)
            .Operation<UpdateApiTokenRolesRequest>("UpdateApiTokenRoles");
        tokens.MapPost("/{tokenId}/rotate", RotateAsync).Requires(Permission.ManageTokens).Operation("RotateApiToken");
        tokens.MapDelete("/{tokenId}", DeleteAsync).Requires(Permission.ManageTokens).Operation("DeleteApiToken");
        routes.MapAgentTokens();
    }

    public static void MapAgentTokens(this IEndpointRouteBuilder routes)
    {
        var agents = routes.MapGroup("/organizations/{organizationId}/deployments/{deploymentId}/agent-tokens");
        agents.MapGet("/", ListOfAgentsAsync).Requires(Permission.ReadAgentTokens).Operation("ListAgentTokens")
            .Sorts(TokenQueries.Sorting.Orders);
        agents.MapPost("/", CreateForAgentsAsync).Requires(Permission.ManageAgentTokens)
            .Operation<CreateAgentTokenRequest>("CreateAgentToken");
        agents.MapGet("/{agentTokenId}", GetOfAgentsAsync).Requires(Permission.ReadAgentTokens).Operation("GetAgentToken");
        agents.MapDelete("/{agentTokenId}", DeleteOfAgentsAsync).Requires(Permission.ManageAgentTokens).Operation("DeleteAgentToken");
    }

    public static Task<ApiTokensPaginated> ListAsync(Subject subject, TokenQueries queries, Paging paging, string? workspaceId,
        string? deploymentId, bool? includeOnlyOrganizationTokens, [AllowedValues("STANDARD", "DIRECT_ACCESS")] string? kind,
        string[]? sorts,
        CancellationToken cancellationToken)
    {
        var rows = queries.Visible(subject);
        if (!string.IsNullOrEmpty(workspaceId))
        {
            var workspace = new WorkspaceId(workspaceId);
            // Without the tokens of its Deployments, which 'deploymentId' finds. Clients show the role for the Workspace of each.
            rows = rows.Where(row => row.Grants.Any(grant => grant.WorkspaceId == workspace && grant.DeploymentId == null));
        }
        if (!string.IsNullOrEmpty(deploymentId))
        {
            var deployment = new DeploymentId(deploymentId);
            rows = rows.Where(row => row.Grants.Any(grant => grant.DeploymentId == deployment));
        }
        if (includeOnlyOrganizationTokens == true)
            rows = rows.Where(row => row.WorkspaceId == null);
        if (!string.IsNullOrEmpty(kind) && TextLimit.OneOf(kind, "kind", "", "STANDARD", "DIRECT_ACCESS") != "STANDARD")
            rows = rows.Where(_ => false);
        return TokenQueries.ListAsync(rows, sorts, paging, cancellationToken);
    }

    private static async Task<ApiTokenResponse> CreateAsync(HttpRequest request, Subject subject, CreateToken createToken,
        CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateApiTokenRequest, cancellationToken);
        var (row, token) = await createToken.RunAsync(subject, body, cancellationToken);
        return row.ToResponse(token);
    }

    public static Task<ApiTokenResponse> GetAsync(TokenId tokenId, Subject subject, TokenQueries queries,
        CancellationToken cancellationToken) => TokenQueries.GetAsync(queries.Visible(subject), tokenId, cancellationToken);

    public static async Task<ApiTokenResponse> UpdateAsync(TokenId tokenId, HttpRequest request, Subject subject, ChangeToken change,
        CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateApiTokenRequest, cancellationToken);
        return (await change.DescribeAsync(subject, tokenId, body, cancellationToken)).ToResponse();
    }

    public static async Task<SubjectRolesResponse> UpdateRolesAsync(TokenId tokenId, HttpRequest request, Subject subject,
        ChangeToken change, ApiVersion version, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateApiTokenRolesRequest, cancellationToken);
        return (await change.GrantAsync(subject, tokenId, body, cancellationToken)).Grants.ToResponse(version);
    }

    public static async Task<ApiTokenResponse> RotateAsync(TokenId tokenId, Subject subject, ChangeToken change,
        CancellationToken cancellationToken)
    {
        var (row, token) = await change.RotateAsync(subject, tokenId, cancellationToken);
        return row.ToResponse(token);
    }

    public static async Task<IResult> DeleteAsync(TokenId tokenId, Subject subject, TokenQueries queries, DeleteToken deleteToken,
        CancellationToken cancellationToken)
    {
        await deleteToken.RunAsync(subject, queries.Visible(subject), tokenId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static Task<ApiTokensPaginated> ListOfAgentsAsync(DeploymentId deploymentId, TokenQueries queries, Paging paging,
        string[]? sorts, CancellationToken cancellationToken) =>
        TokenQueries.ListAsync(queries.OfAgents(deploymentId), sorts, paging, cancellationToken);

    private static async Task<ApiTokenResponse> CreateForAgentsAsync(DeploymentId deploymentId, HttpRequest request, Subject subject,
        CreateToken createToken, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateAgentTokenRequest, cancellationToken);
        var (row, token) = await createToken.RunAsync(subject, deploymentId, body, cancellationToken);
        return row.ToResponse(token);
    }

    private static Task<ApiTokenResponse> GetOfAgentsAsync(DeploymentId deploymentId, TokenId agentTokenId, TokenQueries queries,
        CancellationToken cancellationToken) => TokenQueries.GetAsync(queries.OfAgents(deploymentId), agentTokenId, cancellationToken);

    private static async Task<IResult> DeleteOfAgentsAsync(DeploymentId deploymentId, TokenId agentTokenId, Subject subject,
        TokenQueries queries,
        DeleteToken deleteToken, CancellationToken cancellationToken)
    {
        await deleteToken.RunAsync(subject, queries.OfAgents(deploymentId), agentTokenId, cancellationToken);
        return TypedResults.NoContent();
    }
}
