using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Tokens;

namespace Updraft.Server.Users;

/// <summary>People over HTTP. They come by signing in; nobody makes them by a request.</summary>
internal static class UserEndpoints
{
    private static readonly Sorting<User> Sorting = new(row => row.Id, ("id", row => row.Id), ("username", row => row.Username),
        ("fullName", row => row.FullName), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt));

    public static void AddUsers(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<UpdateUserRoles>();
        builder.Services.AddScoped<IsOwnedByPerson>(provider => (organization, cancellationToken) => provider.GetRequiredService<UpdraftDbContext>()
            .Users.AnyAsync(row => row.OrganizationId == organization && row.Status == UserStatus.Active
                && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken));
    }

    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/users/self", GetSelfAsync).Requires(Permission.ReadSelf).Operation("GetSelfUser");
        var users = routes.MapGroup("/organizations/{organizationId}/users");
        users.MapGet("/", ListAsync).Requires(Permission.ReadUsers).Operation("ListUsers").Sorts(Sorting.Orders);
        users.MapGet("/{userId}", GetAsync).Requires(Permission.ReadUsers).Operation("GetUser");
        users.MapPost("/{userId}/roles", UpdateRolesAsync).Requires(Permission.ManageUserRoles).Operation<UpdateUserRolesRequest>("UpdateUserRoles");
    }

    // The clients' login asks this with API tokens too, and reads the status only: a token answers for itself, in a person's shape.
    private static async Task<SelfUserResponse> GetSelfAsync(Subject subject, UpdraftDbContext db, TimeProvider clock, CancellationToken cancellationToken)
    {
        var id = new UserId(subject.Id);
        var user = subject.Kind == SubjectKind.User
            ? await db.Users.AsNoTracking().SingleOrDefaultAsync(row => row.Id == id, cancellationToken) : null;
        return new SelfUserResponse
        {
            Id = subject.Id,
            Username = subject.Name,
            FullName = user?.FullName ?? subject.Name,
            AvatarUrl = user?.AvatarUrl ?? "",
            Status = "ACTIVE",
            OrganizationId = subject.Organization.Value,
            IsIdpManaged = user is not null,
            Roles = [.. subject.Grants.Select(grant => new SelfUserRoleResponse
            {
                Role = grant.Role.Name(),
                Scope = new SelfUserRoleScopeResponse { Type = grant.Role.Scope().ToString().ToUpperInvariant(), EntityId = grant.EntityId },
            })],
            CreatedAt = user?.CreatedAt ?? clock.GetUtcNow(),
            UpdatedAt = user?.UpdatedAt ?? clock.GetUtcNow(),
        };
    }

    private static async Task<UsersPaginated> ListAsync(Subject subject, UpdraftDbContext db, Paging paging, string? workspaceId, string? deploymentId,
        string[]? sorts, CancellationToken cancellationToken)
    {
        var reach = subject.Reach(Permission.ReadUsers);
        var rows = db.Users.AsNoTracking().Where(row => row.OrganizationId == subject.Organization);
        // A filter finds only roles that the caller is shown.
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
            Users = [.. page.Select(row => ToResponse(row, reach))],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.CountAsync(cancellationToken),
        };
    }

    private static async Task<UserResponse> GetAsync(UserId userId, Subject subject, UpdraftDbContext db, CancellationToken cancellationToken) =>
        ToResponse(await db.Users.AsNoTracking().SingleOrDefaultAsync(
            row => row.Id == userId && row.OrganizationId == subject.Organization, cancellationToken)
            ?? throw ApiException.NotFound("user", userId.Value), subject.Reach(Permission.ReadUsers));

    private static async Task<SubjectRolesResponse> UpdateRolesAsync(UserId userId, HttpRequest request, Subject subject, UpdateUserRoles update,
        CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateUserRolesRequest, cancellationToken);
        return (await update.RunAsync(subject, userId, body, cancellationToken)).ToResponse();
    }

    private static UserResponse ToResponse(User user, Reach reach)
    {
        // Everybody who may see people sees who owns the Organization; other roles only where he may.
        var roles = user.Grants.Where(grant => grant.WorkspaceId is null || reach.Covers(grant)).ToList().ToResponse();
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
