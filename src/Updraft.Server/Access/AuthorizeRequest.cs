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
/// Middleware after routing: lets a request reach its route or answers it. Nothing is allowed that no route asked for.
/// <list type="number">
/// <item>Open routes (<c>AllowAnonymous</c>) pass. A route that demands no permission answers nobody: 403.</item>
/// <item>No valid token: 401. So is a token all of whose places were deleted.</item>
/// <item>What the address names does not exist, or the caller may not read it: 404, the same for both.</item>
/// <item>The caller may read it but not do this: 403.</item>
/// </list>
/// </summary>
internal sealed class AuthorizeRequest(RequestDelegate next, IServiceScopeFactory scopes, ReadCache cache)
{
    private readonly Func<UpdraftDbContext, DeploymentId, CancellationToken, Task<Place?>> _placeOfDeployment =
        EF.CompileAsyncQuery((UpdraftDbContext db, DeploymentId id, CancellationToken _) => db.Set<Deployment>()
            .Where(row => row.Id == id && row.DeletedAt == null)
            .Select(row => new Place(row.OrganizationId, row.WorkspaceId)).SingleOrDefault());

    private readonly Func<UpdraftDbContext, WorkspaceId, CancellationToken, Task<Place?>> _placeOfWorkspace =
        EF.CompileAsyncQuery((UpdraftDbContext db, WorkspaceId id, CancellationToken _) => db.Set<Workspace>()
            .Where(row => row.Id == id).Select(row => new Place(row.OrganizationId, row.Id)).SingleOrDefault());

    public Task InvokeAsync(HttpContext context)
    {
        // The framework's own answers (no such address, wrong method) are endpoints without a route.
        if (context.GetEndpoint() is not RouteEndpoint endpoint || endpoint.Metadata.GetMetadata<IAllowAnonymous>() is not null)
            return next(context);
        var required = endpoint.Metadata.GetMetadata<RequiredPermission>()
            ?? throw new ApiException(StatusCodes.Status403Forbidden,
                "This address says no permission that it needs, so nobody has it.");
        var checking = CheckAsync(context, required.Permission);
        return checking.IsCompletedSuccessfully ? next(context) : WaitAsync(checking, context);
    }

    // Apart, so that nothing is kept for a request that waits when there was nothing to wait for here.
    private async Task WaitAsync(ValueTask checking, HttpContext context)
    {
        await checking;
        await next(context);
    }

    private async ValueTask CheckAsync(HttpContext context, Permission permission)
    {
        var cancellationToken = context.RequestAborted;
        var subject = context.Features.Get<Subject>() ?? throw NotAuthenticated(context);
        if (subject.Kind != SubjectKind.User && !await ReachesAnythingAsync(subject, cancellationToken))
            throw NotAuthenticated(context);

        var values = context.Request.RouteValues;
        var read = Permission.ListOrganizations;
        var (what, id) = ("address", context.Request.Path.Value ?? "");
        var place = new Place(subject.Organization, null);
        DeploymentId? deploymentId = null;
        if (values["organizationId"] is string organization)
        {
            (read, what, id) = (Permission.ReadOrganization, "Organization", organization);
            if (organization != subject.Organization.Value)
                throw ApiException.NotFound(what, id);
        }
        if (values["workspaceId"] is string workspace)
        {
            (read, what, id) = (Permission.ReadWorkspace, "Workspace", workspace);
            place = await ResolveScopeAsync(new WorkspaceId(workspace), _placeOfWorkspace, cancellationToken);
        }
        if (values["deploymentId"] is string deployment)
        {
            (read, what, id) = (Permission.ReadDeployment, "Deployment", deployment);
            deploymentId = new DeploymentId(deployment);
            place = await ResolveScopeAsync(deploymentId.Value, _placeOfDeployment, cancellationToken);
        }
        if (place is null || place.Organization != subject.Organization)
            throw ApiException.NotFound(what, id);

        if (subject.Touches(permission, place.Workspace, deploymentId) || (permission == Permission.ReadSelf && subject.Kind == SubjectKind.User))
            return;
        throw permission == Permission.ActAsAgent || subject.Touches(read, place.Workspace, deploymentId)
            || (what != "Workspace" && what != "Deployment" && subject.Kind == SubjectKind.User)
            ? new ApiException(StatusCodes.Status403Forbidden, Explain(subject, permission))
            : ApiException.NotFound(what, id);
    }

    /// <summary>A token ends with the last place that it is for. What is above is looked at first: it is the cheaper answer.</summary>
    private async ValueTask<bool> ReachesAnythingAsync(Subject subject, CancellationToken cancellationToken)
    {
        foreach (var grant in subject.Grants)
        {
            if (grant.WorkspaceId is not { } workspace)
                return true;
            var place = grant.DeploymentId is { } deployment
                ? await ResolveScopeAsync(deployment, _placeOfDeployment, cancellationToken)
                : await ResolveScopeAsync(workspace, _placeOfWorkspace, cancellationToken);
            if (place is not null)
                return true;
        }
        return false;
    }

    /// <summary>Where a Deployment or Workspace is; null when there is none of this id.</summary>
    private async ValueTask<Place?> ResolveScopeAsync<TId>(TId id, Func<UpdraftDbContext, TId, CancellationToken, Task<Place?>> read,
        CancellationToken cancellationToken)
        where TId : struct
    {
        var memory = cache.Current;
        if (memory?.Find<Place>(id) is { } known)
            return known;
        // A scope of its own: the request's would hold the context for as long as an agent waits.
        await using var scope = scopes.CreateAsyncScope();
        var place = await read(scope.ServiceProvider.GetRequiredService<UpdraftDbContext>(), id, cancellationToken);
        if (place is not null)
            memory?.Add(id, place);
        return place;
    }

    private static string Explain(Subject subject, Permission permission) => (permission, subject.Grants.Count) switch
    {
        (Permission.ActAsAgent, _) => "Only agents are served here; use a token made under the Deployment's 'agent-tokens'.",
        (_, 0) => "You are signed in and have no role yet; ask an owner of the Organization for one.",
        _ => $"The role {string.Join(", ", subject.Grants.Select(grant => grant.Role.Name()).Distinct(StringComparer.Ordinal))} does not include this here ({permission}).",
    };

    private static ApiException NotAuthenticated(HttpContext context) => new(StatusCodes.Status401Unauthorized,
        context.Request.Headers.Authorization.Count == 0
            ? "Send a token: 'Authorization: Bearer TOKEN'."
            : "The token is not valid: it is not one of this server's, has expired or was deleted. "
                + "Send 'Authorization: Bearer TOKEN' once.");

    private sealed record Place(OrganizationId Organization, WorkspaceId? Workspace);
}
