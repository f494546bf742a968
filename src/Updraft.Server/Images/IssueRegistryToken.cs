using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Images;

/// <summary>Issues tokens for the registry. The registry trusts the token alone, so its permissions are valid until it expires.</summary>
internal sealed class IssueRegistryToken(UpdraftDbContext db, SignRegistryToken sign)
{
    private const string Pull = "pull", Push = "push";

    /// <summary>Issues a token with those of the requested scopes that the caller may use.</summary>
    public async Task<RegistryTokenResponse> RunAsync(Subject subject, IReadOnlyList<RegistryScope> scopes,
        CancellationToken cancellationToken) =>
        sign.Run(subject.Id, await GrantAsync(subject, scopes, cancellationToken));

    private async Task<IReadOnlyList<RegistryAccess>> GrantAsync(Subject subject, IReadOnlyList<RegistryScope> scopes,
        CancellationToken cancellationToken)
    {
        var requested = scopes.Where(scope => scope.Organization == subject.Organization.Value)
            .ToLookup(scope => new DeploymentId(scope.Deployment), scope => scope.Actions);
        var ids = requested.Select(group => group.Key).ToList();
        if (ids.Count == 0)
            return [];
        var deployments = await db.Deployments.AsNoTracking()
            .Where(row => ids.Contains(row.Id) && row.OrganizationId == subject.Organization && row.DeletedAt == null)
            .OrderBy(row => row.Id).ToListAsync(cancellationToken);
        return [..
            from deployment in deployments
            let wanted = requested[deployment.Id].SelectMany(actions => actions).ToHashSet(StringComparer.Ordinal)
            let actions = Allowed(subject, deployment).Where(wanted.Contains).ToList()
            where actions.Count > 0
            select new RegistryAccess { Name = $"{deployment.OrganizationId}/{deployment.Id}", Actions = actions }];
    }

    private static IEnumerable<string> Allowed(Subject subject, Deployment deployment)
    {
        bool May(Permission permission) => subject.May(permission, deployment.WorkspaceId, deployment.Id);
        if (May(Permission.ReadDeployment) || May(Permission.ActAsAgent))
            yield return Pull;
        // An image is part of a deploy, so a push needs the permission to deploy.
        if (May(Permission.CreateDeploys) && (!deployment.IsCicdEnforced || subject.Kind == SubjectKind.ServiceKey))
            yield return Push;
    }
}
