namespace Updraft.Server.Security;

/// <summary>The permission that a route requires. A route that is not anonymous and declares none rejects all requests.</summary>
internal sealed record RequiredPermission(Permission Permission);

/// <summary>Declares the permissions of routes.</summary>
internal static class RequiredPermissionRoutes
{
    /// <summary>The caller needs the permission for the route's <c>organizationId</c>, <c>workspaceId</c> or <c>deploymentId</c>.</summary>
    public static TBuilder Requires<TBuilder>(this TBuilder route, Permission permission)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RequiredPermission(permission));
}
