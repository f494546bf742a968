using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Tokens;

namespace Updraft.Server.Users;

/// <summary>Endpoints of users. Only a sign-in creates a user; no request does.</summary>
internal static class UserEndpoints
{
    public static void AddUsers(this WebApplicationBuilder builder)
    {
        builder.Services.AddScoped<UserQueries>();
        builder.Services.AddScoped<UpdateUserRoles>();
        builder.Services.AddScoped<IsOwnedByUser>(provider => (organization, cancellationToken) =>
            provider.GetRequiredService<UpdraftDbContext>()
            .Users.AnyAsync(row => row.OrganizationId == organization && row.Status == UserStatus.Active
                && row.Grants.Any(grant => grant.Role == Role.OrganizationOwner), cancellationToken));
    }

    public static void MapUsers(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/users/self", GetSelfAsync).Requires(Permission.ReadSelf).Operation("GetSelfUser");
        var users = routes.MapGroup("/organizations/{organizationId}/users");
        users.MapGet("/", ListAsync).Requires(Permission.ReadUsers).Operation("ListUsers").Sorts(UserQueries.Sorting.Orders);
        users.MapGet("/{userId}", GetAsync).Requires(Permission.ReadUsers).Operation("GetUser");
        users.MapPost("/{userId}/roles", UpdateRolesAsync).Requires(Permission.ManageUserRoles)
            .Operation<UpdateUserRolesRequest>("UpdateUserRoles");
    }

    // The login of the clients also calls this with API tokens, and reads only the status. So a token is returned in the shape of a user.
    private static async Task<SelfUserResponse> GetSelfAsync(Subject subject, UpdraftDbContext db, TimeProvider clock,
        CancellationToken cancellationToken)
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
                Scope = new SelfUserRoleScopeResponse { Type = grant.Role.Scope().ToString().ToUpperInvariant(),
                    EntityId = grant.EntityId },
            })],
            CreatedAt = user?.CreatedAt ?? clock.GetUtcNow(),
            UpdatedAt = user?.UpdatedAt ?? clock.GetUtcNow(),
        };
    }

    private static Task<UsersPaginated> ListAsync(Subject subject, UserQueries queries, Paging paging, string? workspaceId,
        string? deploymentId,
        string[]? sorts, ApiVersion version, CancellationToken cancellationToken) =>
            queries.ListAsync(subject, version, workspaceId, deploymentId, sorts, paging, cancellationToken);

    private static Task<UserResponse> GetAsync(UserId userId, Subject subject, UserQueries queries, ApiVersion version,
        CancellationToken cancellationToken) => queries.GetAsync(subject, version, userId, cancellationToken);

    private static async Task<SubjectRolesResponse> UpdateRolesAsync(UserId userId, HttpRequest request, Subject subject,
        UpdateUserRoles update, ApiVersion version, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateUserRolesRequest, cancellationToken);
        var sent = version.IsDeclarative ? null : request.ReadFieldNames();
        return (await update.RunAsync(subject, userId, body, sent, cancellationToken)).ToResponse(version);
    }
}
