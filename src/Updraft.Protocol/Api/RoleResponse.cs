using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A role that comes with Updraft.</summary>
public sealed record DefaultRoleResponse
{
    /// <summary>Its name, by which it is given.</summary>
    public required string Name { get; init; }

    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public required string ScopeType { get; init; }

    /// <summary>What it allows.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }
}

/// <summary>A role with all that is known of it.</summary>
public sealed record RoleWithPermissionResponse
{
    /// <summary>The name, for a role that comes with Updraft.</summary>
    public required string Id { get; init; }

    /// <summary>Its name, by which it is given.</summary>
    public required string Name { get; init; }

    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    [AllowedValues("ORGANIZATION", "WORKSPACE", "DEPLOYMENT")]
    public required string ScopeType { get; init; }

    /// <summary>What it allows.</summary>
    public required IReadOnlyList<string> Permissions { get; init; }

    /// <summary>Workspaces to which it is limited; none.</summary>
    public IReadOnlyList<string> RestrictedWorkspaceIds { get; init; } = [];

    /// <summary>When the Organization was made, with which its roles came.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who made the Organization.</summary>
    public required SubjectProfileResponse CreatedBy { get; init; }

    /// <summary>The same as <see cref="CreatedAt"/>: it does not change.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }

    /// <summary>The same as <see cref="CreatedBy"/>.</summary>
    public required SubjectProfileResponse UpdatedBy { get; init; }
}

/// <summary>A page of custom roles, which there are none of, and the roles that come with Updraft.</summary>
public sealed record RolesPaginated
{
    /// <summary>The page; empty.</summary>
    public IReadOnlyList<RoleWithPermissionResponse> Roles { get; init; } = [];

    /// <summary>The roles that come with Updraft, when they were asked for.</summary>
    public IReadOnlyList<DefaultRoleResponse>? DefaultRoles { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many custom roles there are.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>What can be done to one kind of thing.</summary>
public sealed record PermissionGroupResponse
{
    /// <summary>E.g. <c>deployment.deploys</c>.</summary>
    public required string Name { get; init; }

    /// <summary>The thing in words.</summary>
    public required string Scope { get; init; }

    /// <summary>What the group is about.</summary>
    public required string Description { get; init; }

    /// <summary>The single permissions.</summary>
    public required IReadOnlyList<PermissionEntryResponse> Permissions { get; init; }
}

/// <summary>One permission of a group.</summary>
public sealed record PermissionEntryResponse
{
    /// <summary>E.g. <c>create</c>; with the group's name it is the permission's.</summary>
    public required string Action { get; init; }

    /// <summary>What it allows, in words.</summary>
    public required string Description { get; init; }
}
