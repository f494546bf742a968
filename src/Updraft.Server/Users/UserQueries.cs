using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Users;

/// <summary>Reads users for the API and the web UI.</summary>
internal sealed class UserQueries(UpdraftDbContext db)
{
    public static readonly Sorting<User> Sorting = new(row => row.Id, ("id", row => row.Id), ("username", row => row.Username),
        ("fullName", row => row.FullName), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt));

    /// <summary>A page of the users of the caller's Organization, with the roles that the caller may see.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="workspaceId">Only users with a role in this Workspace; null for all.</param>
    /// <param name="deploymentId">Only users with a role for this Deployment; null for all.</param>
    /// <param name="sorts">E.g. <c>username:asc</c>; see <see cref="Sorting"/>.</param>
    /// <param name="paging">The page.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    /// <exception cref="ApiException">400: an unknown sort order.</exception>
    public async Task<UsersPaginated> ListAsync(Subject subject, ApiVersion version, string? workspaceId, string? deploymentId, string[]? sorts, Paging paging,
        CancellationToken cancellationToken)
    {
        var reach = subject.Reach(Permission.ReadUsers);
        var rows = db.Users.AsNoTracking().Where(row => row.OrganizationId == subject.Organization);
        // The filters match only roles that the caller may see.
        if (!string.IsNullOrEmpty(workspaceId))
        {
            var workspace = new WorkspaceId(workspaceId);
            rows = rows.Where(row => row.Grants.Any(grant => grant.WorkspaceId == workspace
                && (reach.IsEverywhere || reach.Workspaces.Contains(workspace))));
        }
        if (!string.IsNullOrEmpty(deploymentId))
        {
            var deployment = new DeploymentId(deploymentId);
            rows = rows.Where(row => row.Grants.Any(grant => grant.DeploymentId == deployment
                && (reach.IsEverywhere || reach.Workspaces.Contains(grant.WorkspaceId!.Value))));
        }
        var page = await Sorting.Apply(rows, sorts).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return new UsersPaginated
        {
            Users = [.. page.Select(row => ToResponse(row, version, reach))],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.CountAsync(cancellationToken),
        };
    }

    /// <exception cref="ApiException">404: the Organization has no such user.</exception>
    public async Task<UserResponse> GetAsync(Subject subject, ApiVersion version, UserId userId, CancellationToken cancellationToken) =>
        ToResponse(await db.Users.AsNoTracking().SingleOrDefaultAsync(
            row => row.Id == userId && row.OrganizationId == subject.Organization, cancellationToken)
            ?? throw ApiException.NotFound("user", userId.Value), version, subject.Reach(Permission.ReadUsers));

    private static UserResponse ToResponse(User user, ApiVersion version, Reach reach)
    {
        // A caller who may list users sees all roles of the Organization, and other roles only in their own scopes.
        var roles = user.Grants.Where(grant => grant.WorkspaceId is null || reach.Covers(grant)).ToList().ToResponse(version);
        return new UserResponse
        {
            Id = user.Id.Value,
            Username = user.Username,
            FullName = user.FullName,
            AvatarUrl = user.AvatarUrl,
            Status = user.Status == UserStatus.Active ? "ACTIVE" : "INACTIVE",
            OrganizationRole = roles.OrganizationRole,
            WorkspaceRoles = roles.WorkspaceRoles,
            DeploymentRoles = roles.DeploymentRoles,
            CreatedAt = user.CreatedAt,
            UpdatedAt = user.UpdatedAt,
        };
    }
}
