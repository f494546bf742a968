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
        ("description", row => row.Description), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.CreatedAt),
        ("tokenStartAt", row => row.CreatedAt));

    /// <summary>The API tokens that a caller sees: those within its own reach.</summary>
    public IQueryable<ApiToken> Visible(Subject subject)
    {
        var rows = db.ApiTokens.AsNoTracking().Where(row =>
            row.OrganizationId == subject.Organization && row.Kind == TokenKind.Api && row.RevokedAt == null);
        if (subject.Workspace is { } workspace)
            rows = rows.Where(row => row.WorkspaceId == workspace);
        if (subject.Deployment is { } deployment)
            rows = rows.Where(row => row.DeploymentId == deployment);
        return rows;
    }

    /// <summary>The agent tokens of a Deployment.</summary>
    public IQueryable<ApiToken> OfAgents(DeploymentId deployment) => db.ApiTokens.AsNoTracking().Where(row =>
        row.DeploymentId == deployment && row.Kind == TokenKind.Agent && row.RevokedAt == null);

    /// <summary>A page of some tokens.</summary>
    /// <exception cref="ApiException">400: a sort that is not offered.</exception>
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

    /// <summary>One of some tokens.</summary>
    /// <exception cref="ApiException">404: it is none of them.</exception>
    public static async Task<ApiTokenResponse> GetAsync(IQueryable<ApiToken> rows, TokenId id, CancellationToken cancellationToken) =>
        (await rows.SingleOrDefaultAsync(row => row.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("token", id.Value)).ToResponse();
}

/// <summary>A token on the wire.</summary>
internal static class TokenMapping
{
    /// <param name="row">The token.</param>
    /// <param name="token">The secret, in the answer that creates it.</param>
    public static ApiTokenResponse ToResponse(this ApiToken row, string? token = null)
    {
        var scope = row.Role.Scope().ToString().ToUpperInvariant();
        var entity = row.Role.Scope() switch
        {
            RoleScope.Deployment => row.DeploymentId?.Value,
            RoleScope.Workspace => row.WorkspaceId?.Value,
            _ => row.OrganizationId.Value,
        };
        var by = row.CreatedBy.ToResponse();
        return new ApiTokenResponse
        {
            Id = row.Id.Value,
            Name = row.Name,
            Description = row.Description,
            Scope = scope,
            Roles = [new ApiTokenRoleResponse { EntityType = scope, EntityId = entity!, Role = row.Role.Name() }],
            ShortToken = row.ShortToken,
            Token = token,
            StartAt = row.CreatedAt,
            EndAt = row.ExpiresAt,
            ExpiryPeriodInDays = row.ExpiryPeriodInDays,
            LastUsedAt = row.LastUsedAt,
            CreatedAt = row.CreatedAt,
            CreatedBy = by,
            UpdatedAt = row.CreatedAt,
            UpdatedBy = by,
        };
    }
}
