using Microsoft.AspNetCore.Authorization;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Tokens;

/// <summary>
/// Middleware after routing: lets a request reach its route or answers it. Nothing is allowed that no route asked for.
/// <list type="number">
/// <item>Open routes (<c>AllowAnonymous</c>) pass. A route that demands no permission answers nobody: 403.</item>
/// <item>No valid token: 401. So is the token of a Deployment or Workspace that was deleted.</item>
/// <item>What the address names does not exist, or the caller may not read it: 404, the same for both.</item>
/// <item>The caller may read it but not do this: 403.</item>
/// </list>
/// </summary>
internal sealed class AuthorizeRequest(RequestDelegate next)
{
    // Uncached: a deleted Deployment is gone at once, and a lookup by primary key costs microseconds.
    private readonly Func<UpdraftDbContext, DeploymentId, CancellationToken, Task<Place?>> _placeOfDeployment =
        EF.CompileAsyncQuery((UpdraftDbContext db, DeploymentId id, CancellationToken _) => db.Set<Deployment>()
            .Where(row => row.Id == id && row.DeletedAt == null)
            .Select(row => new Place(row.OrganizationId, row.WorkspaceId)).SingleOrDefault());

    private readonly Func<UpdraftDbContext, WorkspaceId, CancellationToken, Task<Place?>> _placeOfWorkspace =
        EF.CompileAsyncQuery((UpdraftDbContext db, WorkspaceId id, CancellationToken _) => db.Set<Workspace>()
            .Where(row => row.Id == id).Select(row => new Place(row.OrganizationId, row.Id)).SingleOrDefault());

    public async Task InvokeAsync(HttpContext context, UpdraftDbContext db)
    {
        // The framework's own answers (no such address, wrong method) are endpoints without a route.
        if (context.GetEndpoint() is RouteEndpoint endpoint && endpoint.Metadata.GetMetadata<IAllowAnonymous>() is null)
        {
            var required = endpoint.Metadata.GetMetadata<RequiredPermission>()
                ?? throw new ApiException(StatusCodes.Status403Forbidden,
                    "This address says no permission that it needs, so nobody has it.");
            await CheckAsync(context, db, required.Permission);
        }
        await next(context);
    }

    private async Task CheckAsync(HttpContext context, UpdraftDbContext db, Permission permission)
    {
        var cancellationToken = context.RequestAborted;
        var subject = context.Features.Get<Subject>() ?? throw NotAuthenticated(context);
        if (subject.Deployment is { } own && await _placeOfDeployment(db, own, cancellationToken) is null)
            throw NotAuthenticated(context);
        if (subject is { Deployment: null, Workspace: { } home } && await _placeOfWorkspace(db, home, cancellationToken) is null)
            throw NotAuthenticated(context);

        var values = context.Request.RouteValues;
        var read = Permission.ListOrganizations;
        var (what, id) = ("address", context.Request.Path.Value ?? "");
        if (values["organizationId"] is string organization)
        {
            (read, what, id) = (Permission.ReadOrganization, "Organization", organization);
            if (organization != subject.Organization.Value)
                throw ApiException.NotFound(what, id);
        }
        if (values["workspaceId"] is string workspace)
        {
            (read, what, id) = (Permission.ReadWorkspace, "Workspace", workspace);
            var place = await _placeOfWorkspace(db, new WorkspaceId(workspace), cancellationToken);
            if (place is null || !IsWithin(subject, place))
                throw ApiException.NotFound(what, id);
        }
        if (values["deploymentId"] is string deployment)
        {
            (read, what, id) = (Permission.ReadDeployment, "Deployment", deployment);
            var place = await _placeOfDeployment(db, new DeploymentId(deployment), cancellationToken);
            if (place is null || !IsWithin(subject, place) || (subject.Deployment is { } only && only.Value != deployment))
                throw ApiException.NotFound(what, id);
        }

        if (subject.Role.Allows(permission))
            return;
        throw permission == Permission.ActAsAgent || subject.Role.Allows(read)
            ? new ApiException(StatusCodes.Status403Forbidden, Explain(subject, permission))
            : ApiException.NotFound(what, id);
    }

    private static bool IsWithin(Subject subject, Place place) => place.Organization == subject.Organization
        && (subject.Workspace is null || subject.Workspace == place.Workspace);

    private static string Explain(Subject subject, Permission permission) => permission == Permission.ActAsAgent
        ? "Only agents are served here; use a token made under the Deployment's 'agent-tokens'."
        : $"The token's role {subject.Role.Name()} does not include this ({permission}).";

    private static ApiException NotAuthenticated(HttpContext context) => new(StatusCodes.Status401Unauthorized,
        context.Request.Headers.Authorization.Count == 0
            ? "Send a token: 'Authorization: Bearer TOKEN'."
            : "The token is not valid: it is not one of this server's, has expired or was deleted. "
                + "Send 'Authorization: Bearer TOKEN' once.");

    private sealed record Place(OrganizationId Organization, WorkspaceId Workspace);
}
