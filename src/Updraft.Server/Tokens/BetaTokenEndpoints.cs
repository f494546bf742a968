using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Endpoints of API tokens under <c>/iam/v1beta1</c>, in the shape that the Terraform provider uses.</summary>
internal static class BetaTokenEndpoints
{
    public static void MapBetaTokens(this IEndpointRouteBuilder routes)
    {
        var tokens = routes.MapGroup("/organizations/{organizationId}/tokens");
        tokens.MapGet("/", async (Subject subject, TokenQueries queries, Paging paging, string? workspaceId, string? deploymentId,
            bool? includeOnlyOrganizationTokens, string? kind, string[]? sorts, CancellationToken cancellationToken) =>
        {
            var page = await TokenEndpoints.ListAsync(subject, queries, paging, workspaceId, deploymentId, includeOnlyOrganizationTokens,
                kind, sorts, cancellationToken);
            return new BetaApiTokensPaginated
            {
                Tokens = [.. page.Tokens.Select(BetaApiTokenResponse.From)],
                Limit = page.Limit,
                Offset = page.Offset,
                TotalCount = page.TotalCount,
            };
        }).Requires(Permission.ManageTokens).Operation("ListApiTokens");
        tokens.MapPost("/", async (HttpRequest request, Subject subject, CreateToken createToken, CancellationToken cancellationToken) =>
        {
            var body = await request.ReadJsonAsync(ApiJson.Default.BetaCreateApiTokenRequest, cancellationToken);
            var (row, token) = await createToken.RunAsync(subject, new CreateApiTokenRequest
            {
                Name = body.Name,
                Description = body.Description,
                Scope = body.Type,
                Role = body.Role,
                EntityId = body.EntityId,
                TokenExpiryPeriodInDays = body.TokenExpiryPeriodInDays,
            }, cancellationToken, scopeField: "type");
            return BetaApiTokenResponse.From(row.ToResponse(token));
        }).Requires(Permission.ManageTokens).Operation<BetaCreateApiTokenRequest>("CreateApiToken");
        tokens.MapGet("/{tokenId}", async (TokenId tokenId, Subject subject, TokenQueries queries, CancellationToken cancellationToken) =>
            BetaApiTokenResponse.From(await TokenEndpoints.GetAsync(tokenId, subject, queries, cancellationToken)))
            .Requires(Permission.ManageTokens).Operation("GetApiToken");
        tokens.MapPost("/{tokenId}", async (TokenId tokenId, HttpRequest request, Subject subject, ChangeToken change,
            CancellationToken cancellationToken) =>
            BetaApiTokenResponse.From(await TokenEndpoints.UpdateAsync(tokenId, request, subject, change, cancellationToken)))
            .Requires(Permission.ManageTokens).Operation<UpdateApiTokenRequest>("UpdateApiToken");
        tokens.MapPost("/{tokenId}/roles", TokenEndpoints.UpdateRolesAsync).Requires(Permission.ManageTokens)
            .Operation<UpdateApiTokenRolesRequest>("UpdateApiTokenRoles");
        tokens.MapPost("/{tokenId}/rotate",
            async (TokenId tokenId, Subject subject, ChangeToken change, CancellationToken cancellationToken) =>
            BetaApiTokenResponse.From(await TokenEndpoints.RotateAsync(tokenId, subject, change, cancellationToken)))
            .Requires(Permission.ManageTokens).Operation("RotateApiToken");
        tokens.MapDelete("/{tokenId}", TokenEndpoints.DeleteAsync).Requires(Permission.ManageTokens).Operation("DeleteApiToken");
    }
}
