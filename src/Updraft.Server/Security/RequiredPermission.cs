namespace Updraft.Server.Security;

/// <summary>What a route demands. Read by the authorization middleware; a route without it, and not anonymous, answers nobody.</summary>
internal sealed record RequiredPermission(Permission Permission);

/// <summary>Puts the demand on routes.</summary>
internal static class RequiredPermissionRoutes
{
    /// <summary>The caller needs this permission on what the route's <c>organizationId</c>, <c>workspaceId</c> or <c>deploymentId</c> names.</summary>
    public static TBuilder Requires<TBuilder>(this TBuilder route, Permission permission)
        where TBuilder : IEndpointConventionBuilder => route.WithMetadata(new RequiredPermission(permission));
}
