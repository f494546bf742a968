using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A built-in role.</summary>
public sealed record DefaultRoleResponse
{
    /// <summary>Name of the role, such as <c>WORKSPACE_OWNER</c>. Requests that grant roles use it.</summary>
    public required string Name { get; init; }

    /// <summary>Uses of the role, in one sentence.</summary>
    public required string Description { get; init; }

    /// <summary>Level of the role: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public required string ScopeType { get; init; }

    /// <summary>Permissions of the role, such as <c>deployment.deploys.create</c>.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }
}

/// <summary>A role with its permissions and its origin.</summary>
public sealed record RoleWithPermissionResponse
{
    /// <summary>Id of the role. For a built-in role it equals the name.</summary>
    public required string Id { get; init; }

    /// <summary>Name of the role, such as <c>WORKSPACE_OWNER</c>. Requests that grant roles use it.</summary>
    public required string Name { get; init; }

    /// <summary>Uses of the role, in one sentence.</summary>
    public required string Description { get; init; }

    /// <summary>Level of the role: <c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public required string ScopeType { get; init; }

    /// <summary>Permissions of the role, such as <c>deployment.deploys.create</c>.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }

    /// <summary>Always empty: no role is limited to certain Workspaces.</summary>
    public IReadOnlyList<string> RestrictedWorkspaceIds { get; init; } = [];

    /// <summary>Time at which the Organization was created, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the Organization.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>Equal to <c>createdAt</c>, because built-in roles never change.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>Equal to <c>createdBy</c>, because built-in roles never change.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of custom roles, which is always empty, and the built-in roles.</summary>
public sealed record RolesPaginated
{
    /// <summary>Always empty: Updraft has no custom roles.</summary>
    public IReadOnlyList<RoleWithPermissionResponse> Roles { get; init; } = [];

    /// <summary>Built-in roles; only with <c>includeDefaultRoles=true</c>.</summary>
    public IReadOnlyList<DefaultRoleResponse>? DefaultRoles { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of custom roles: always 0.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>Permissions for one type of object.</summary>
public sealed record PermissionGroupResponse
{
    /// <summary>Name of the group, such as <c>deployment.deploys</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Type of object, for users.</summary>
    public required string Scope { get; init; }

    /// <summary>Purpose of the group, for users.</summary>
    public required string Description { get; init; }

    /// <summary>Permissions in the group.</summary>
    public required IReadOnlyList<PermissionEntryResponse> Permissions { get; init; }
}

/// <summary>A permission in a group.</summary>
public sealed record PermissionEntryResponse
{
    /// <summary>Action such as <c>create</c>. The group's name, a dot and the action form the name of the permission.</summary>
    public required string Action { get; init; }

    /// <summary>Effect of the permission, for users.</summary>
    public required string Description { get; init; }
}
