using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Access;

/// <summary>
/// Middleware after routing: passes a request to its route, or rejects it. The order of the checks:
/// <list type="number">
/// <item>Anonymous routes (<c>AllowAnonymous</c>) pass. A route that declares no permission rejects all requests: 403.</item>
/// <item>A request without a valid token gets a 401. So does a token if all scopes of its roles were deleted.</item>
/// <item>A resource in the URL does not exist, or the caller may not read it: 404 for both.</item>
/// <item>The caller may read the resource but not do the operation: 403. An agent gets 403 in its own scope, because its token is valid and
/// only used at the wrong place.</item>
/// </list>
/// </summary>
internal sealed class AuthorizeRequest(RequestDelegate next, IServiceScopeFactory scopes, ReadCache cache)
{
    private readonly Func<UpdraftDbContext, DeploymentId, CancellationToken, Task<Location?>> _locateDeployment =
        EF.CompileAsyncQuery((UpdraftDbContext db, DeploymentId id, CancellationToken _) => db.Set<Deployment>()
            .Where(row => row.Id == id && row.DeletedAt == null)
            .Select(row => new Location(row.OrganizationId, row.WorkspaceId)).SingleOrDefault());

    private readonly Func<UpdraftDbContext, WorkspaceId, CancellationToken, Task<Location?>> _locateWorkspace =
        EF.CompileAsyncQuery((UpdraftDbContext db, WorkspaceId id, CancellationToken _) => db.Set<Workspace>()
            .Where(row => row.Id == id).Select(row => new Location(row.OrganizationId, row.Id)).SingleOrDefault());

    public Task InvokeAsync(HttpContext context)
    {
        // The framework's own errors (unknown URL, wrong method) are endpoints without a route.
        if (context.GetEndpoint() is not RouteEndpoint endpoint || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return next(context);
        var required = endpoint.Metadata.GetMetadata<RequiredPermission>()
            ?? throw new ApiException(AccessErrors.PermissionNotDeclared,
                "This endpoint is misconfigured: it declares no permission. Report this as a bug with the request ID.");
        var check = CheckAsync(context, required.Permission);
        return check.IsCompletedSuccessfully ? next(context) : WaitAsync(check, context);
    }

    // A method of its own: a long poll then holds no state machine of this middleware if the check needed no wait.
    private async Task WaitAsync(ValueTask check, HttpContext context)
    {
        await check;
        await next(context);
    }

    private async ValueTask CheckAsync(HttpContext context, Permission permission)
    {
        var cancellationToken = context.RequestAborted;
        var subject = context.Features.Get<Subject>() ?? throw NotAuthenticated(context);
        if (subject.Kind != SubjectKind.User && !await HasLiveScopeAsync(subject, cancellationToken))
            throw NotAuthenticated(context);

        var values = context.Request.RouteValues;
        var read = Permission.ListOrganizations;
        var (resource, id) = ("resource", context.Request.Path.Value ?? "");
        var location = new Location(subject.Organization, null);
        DeploymentId? deploymentId = null;
        if (values["organizationId"] is string organization)
        {
            (read, resource, id) = (Permission.ReadOrganization, "Organization", organization);
            if (organization != subject.Organization.Value)
                throw ApiException.NotFound(resource, id);
        }
        if (values["workspaceId"] is string workspace)
        {
            (read, resource, id) = (Permission.ReadWorkspace, "Workspace", workspace);
            location = await LocateAsync(new WorkspaceId(workspace), _locateWorkspace, cancellationToken);
        }
        if (values["deploymentId"] is string deployment)
        {
            (read, resource, id) = (Permission.ReadDeployment, "Deployment", deployment);
            deploymentId = new DeploymentId(deployment);
            location = await LocateAsync(deploymentId.Value, _locateDeployment, cancellationToken);
        }
        if (location is null || location.Organization != subject.Organization)
            throw ApiException.NotFound(resource, id);

        if (subject.Touches(permission, location.Workspace, deploymentId)
            || (permission == Permission.ReadSelf && subject.Kind == SubjectKind.User))
            return;
        throw permission == Permission.ActAsAgent || subject.Touches(read, location.Workspace, deploymentId)
            || (resource != "Workspace" && resource != "Deployment" && subject.Kind == SubjectKind.User)
            || (subject.Kind == SubjectKind.Agent && subject.Grants.Any(grant => grant.Touches(location.Workspace, deploymentId)))
            ? Deny(subject, permission)
            : ApiException.NotFound(resource, id);
    }

    /// <summary>Whether the scope of one of the subject's roles still exists. Without one, the token is no longer valid.</summary>
    private async ValueTask<bool> HasLiveScopeAsync(Subject subject, CancellationToken cancellationToken)
    {
        foreach (var grant in subject.Grants)
        {
            if (grant.WorkspaceId is not { } workspace)
                return true;
            var location = grant.DeploymentId is { } deployment
                ? await LocateAsync(deployment, _locateDeployment, cancellationToken)
                : await LocateAsync(workspace, _locateWorkspace, cancellationToken);
            if (location is not null)
                return true;
        }
        return false;
    }

    /// <summary>The location of a Deployment or Workspace; null if it does not exist.</summary>
    private async ValueTask<Location?> LocateAsync<TId>(TId id, Func<UpdraftDbContext, TId, CancellationToken, Task<Location?>> read,
        CancellationToken cancellationToken)
        where TId : struct
    {
        var entries = cache.Current;
        if (entries?.Find<Location>(id) is { } known)
            return known;
        // A scope of its own, because the scope of the request would hold the context for the whole long poll of an agent.
        await using var scope = scopes.CreateAsyncScope();
        var location = await read(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), id, cancellationToken);
        if (location is not null)
            entries?.Add(id, location);
        return location;
    }

    private static ApiException Deny(Subject subject, Permission permission) => (permission, subject.Grants.Count) switch
    {
        _ when subject.Kind == SubjectKind.Agent => new(AccessErrors.AgentTokenNotForApi,
            "This is an agent token, which works only for agents. Use an API token for this request."),
        (Permission.ActAsAgent, _) => new(RequestErrors.AgentTokenRequired,
            "Only agents can use this endpoint. Use a token that was created under 'agent-tokens' of the Deployment."),
        (_, 0) => new(AccessErrors.NoRole, "You are signed in, but you have no role. Ask an owner of the Organization for one."),
        _ => new(RequestErrors.PermissionDenied, $"The role {Roles(subject)} does not include the permission {permission} "
            + "for this resource. Use a token with another role, or ask an owner to grant it."),
    };

    private static string Roles(Subject subject) =>
        string.Join(", ", subject.Grants.Select(grant => grant.Role.Name()).Distinct(StringComparer.Ordinal));

    private static ApiException NotAuthenticated(HttpContext context) => new(RequestErrors.Unauthenticated,
        context.Request.Headers.Authorization.Count == 0
            ? "The request has no token. Send 'Authorization: Bearer TOKEN'."
            : "The token is invalid: this server did not issue it, or it has expired or was deleted. "
                + "Send a valid token once, as 'Authorization: Bearer TOKEN'.");

    private sealed record Location(OrganizationId Organization, WorkspaceId? Workspace);
}
