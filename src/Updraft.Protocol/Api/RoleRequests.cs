namespace Updraft.Protocol.Api;

/// <summary>Body of changing an API token.</summary>
public sealed record UpdateApiTokenRequest
{
    /// <summary>1 to 255 characters.</summary>
    public string? Name { get; init; }

    /// <summary>At most 500 characters; empty when absent.</summary>
    public string? Description { get; init; }
}

/// <summary>Body of replacing all roles of an API token.</summary>
public sealed record UpdateApiTokenRolesRequest
{
    /// <summary>1 to 1,000: one for the place to which the token belongs, the others for places inside of it.</summary>
    public IReadOnlyList<ApiTokenRoleRequest>? Roles { get; init; }
}

/// <summary>A role that a token is to have.</summary>
public sealed record ApiTokenRoleRequest
{
    /// <summary><c>ORGANIZATION</c>, <c>WORKSPACE</c> or <c>DEPLOYMENT</c>.</summary>
    public string? EntityType { get; init; }

    /// <summary>Id of that.</summary>
    public string? EntityId { get; init; }

    /// <summary>A role of that level, e.g. <c>WORKSPACE_AUTHOR</c>.</summary>
    public string? Role { get; init; }
}
