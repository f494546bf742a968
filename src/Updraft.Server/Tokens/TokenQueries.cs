using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Tokens;

/// <summary>Reads tokens for the API.</summary>
internal sealed class TokenQueries(UpdraftDbContext db)
{
    public static readonly Sorting<ApiToken> Sorting = new(row => row.Id, ("name", row => row.Name),
        ("description", row => row.Description), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt),
        ("tokenStartAt", row => row.LastRotatedAt ?? row.CreatedAt),
        ("createdById", row => row.CreatedById), ("updatedById", row => row.UpdatedById));

    /// <summary>The API tokens that a caller can see: those with a role in a scope in which the caller may manage tokens.</summary>
    public IQueryable<ApiToken> Visible(Subject subject)
    {
        var rows = db.ApiTokens.AsNoTracking().Where(row =>
            row.OrganizationId == subject.Organization && row.Kind == TokenKind.Api && row.RevokedAt == null);
        var (isEverywhere, workspaces, deployments, _) = subject.Reach(Permission.ManageTokens);
        return isEverywhere ? rows : rows.Where(row => row.Grants.Any(grant =>
            workspaces.Contains(grant.WorkspaceId!.Value) || deployments.Contains(grant.DeploymentId!.Value)));
    }

    /// <summary>The agent tokens of a Deployment.</summary>
    public IQueryable<ApiToken> OfAgents(DeploymentId deployment) => db.ApiTokens.AsNoTracking().Where(row =>
        row.DeploymentId == deployment && row.Kind == TokenKind.Agent && row.RevokedAt == null);

    /// <summary>A page of the given tokens.</summary>
    /// <exception cref="ApiException">400: the sort is unknown.</exception>
    public static async Task<ApiTokensPaginated> ListAsync(IQueryable<ApiToken> rows, string[]? sorts, Paging paging,
        CancellationToken cancellationToken)
    {
        var page = await Sorting.Apply(rows, sorts).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return new ApiTokensPaginated
        {
            Tokens = [.. page.Select(row => row.ToResponse())],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.CountAsync(cancellationToken),
        };
    }

    /// <summary>One of the given tokens.</summary>
    /// <exception cref="ApiException">404: the id is not among them.</exception>
    public static async Task<ApiTokenResponse> GetAsync(IQueryable<ApiToken> rows, TokenId id, CancellationToken cancellationToken) =>
        (await rows.SingleOrDefaultAsync(row => row.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("token", id.Value)).ToResponse();
}

/// <summary>Converts tokens to responses.</summary>
internal static class TokenMapping
{
    /// <param name="row">The token.</param>
    /// <param name="token">The secret, in the response that creates or rotates it; null in all others.</param>
    public static ApiTokenResponse ToResponse(this ApiToken row, string? token = null) => new()
    {
        Id = row.Id.Value,
        Name = row.Name,
        Description = row.Description,
        Scope = row.Scope.ToString().ToUpperInvariant(),
        Roles = [.. row.Grants.OrderBy(grant => grant.Role).ThenBy(grant => grant.EntityId, StringComparer.Ordinal).Select(ToRole)],
        ShortToken = row.ShortToken,
        Token = token,
        StartAt = row.LastRotatedAt ?? row.CreatedAt,
        EndAt = row.ExpiresAt,
        ExpiryPeriodInDays = row.ExpiryPeriodInDays,
        LastRotatedAt = row.LastRotatedAt,
        LastUsedAt = row.LastUsedAt,
        CreatedAt = row.CreatedAt,
        CreatedBy = row.CreatedBy.ToResponse(),
        UpdatedAt = row.UpdatedAt,
        UpdatedBy = row.UpdatedBy.ToResponse(),
    };

    private static ApiTokenRole ToRole(Grant grant) => new()
    {
        EntityType = grant.Role.Scope().ToString().ToUpperInvariant(),
        EntityId = grant.EntityId,
        Role = grant.Role.Name(),
    };
}
