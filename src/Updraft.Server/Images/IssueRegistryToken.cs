using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Images;

/// <summary>Makes tokens for the registry, which asks nobody else: what is in the token may be done until it ends.</summary>
internal sealed class IssueRegistryToken(UpdraftDbContext db, SignRegistryToken sign)
{
    private const string Pull = "pull", Push = "push";

    /// <summary>Makes a token with as much of what was asked for as the caller may do.</summary>
    public async Task<RegistryTokenResponse> RunAsync(Subject subject, IReadOnlyList<RegistryScope> scopes, CancellationToken cancellationToken) =>
        sign.Run(subject.Id, await GrantAsync(subject, scopes, cancellationToken));

    private async Task<IReadOnlyList<RegistryAccess>> GrantAsync(Subject subject, IReadOnlyList<RegistryScope> scopes, CancellationToken cancellationToken)
    {
        var wanted = scopes.Where(scope => scope.Organization == subject.Organization.Value)
            .ToLookup(scope => new DeploymentId(scope.Deployment), scope => scope.Actions);
        var ids = wanted.Select(group => group.Key).ToList();
        if (ids.Count == 0)
            return [];
        var deployments = await db.Deployments.AsNoTracking()
            .Where(row => ids.Contains(row.Id) && row.OrganizationId == subject.Organization && row.DeletedAt == null)
            .OrderBy(row => row.Id).ToListAsync(cancellationToken);
        return [..
            from deployment in deployments
            let asked = wanted[deployment.Id].SelectMany(actions => actions).ToHashSet(StringComparer.Ordinal)
            let actions = Allowed(subject, deployment).Where(asked.Contains).ToList()
            where actions.Count > 0
            select new RegistryAccess { Name = $"{deployment.OrganizationId}/{deployment.Id}", Actions = actions }];
    }

    private static IEnumerable<string> Allowed(Subject subject, Deployment deployment)
    {
        bool May(Permission permission) => subject.May(permission, deployment.WorkspaceId, deployment.Id);
        if (May(Permission.ReadDeployment) || May(Permission.ActAsAgent))
            yield return Pull;
        // An image is part of a deploy, so who may not deploy pushes none.
        if (May(Permission.CreateDeploys) && (!deployment.IsCicdEnforced || subject.Kind == SubjectKind.ServiceKey))
            yield return Push;
    }
}
