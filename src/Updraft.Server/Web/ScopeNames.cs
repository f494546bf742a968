using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Web;

/// <summary>The id and name of a Workspace.</summary>
internal sealed record WorkspaceName(WorkspaceId Id, string Name);

/// <summary>The id, Workspace and name of a Deployment.</summary>
internal sealed record DeploymentName(DeploymentId Id, WorkspaceId Workspace, string Name);

/// <summary>Reads the names of Workspaces and Deployments, for choices in forms and for ids in tables.</summary>
internal sealed class ScopeNames(UpdraftDbContext db)
{
    /// <summary>The Workspaces that a subject can see, by name.</summary>
    public Task<List<WorkspaceName>> ListWorkspacesAsync(Subject subject, int limit, CancellationToken cancellationToken) =>
        WorkspaceQueries.Visible(db, subject, subject.Organization).OrderBy(row => row.Name).Take(limit)
            .Select(row => new WorkspaceName(row.Id, row.Name)).ToListAsync(cancellationToken);

    /// <summary>The Workspaces in which a subject has a permission, by name.</summary>
    public Task<List<WorkspaceName>> ListWorkspacesAsync(Subject subject, Permission permission, CancellationToken cancellationToken)
    {
        var reach = subject.Reach(permission);
        return db.Workspaces
            .Where(row => row.OrganizationId == subject.Organization && (reach.IsEverywhere || reach.Workspaces.Contains(row.Id)))
            .OrderBy(row => row.Name).Select(row => new WorkspaceName(row.Id, row.Name)).ToListAsync(cancellationToken);
    }

    /// <summary>The Deployments that a subject can see, by name.</summary>
    public Task<List<DeploymentName>> ListDeploymentsAsync(Subject subject, int limit, CancellationToken cancellationToken) =>
        DeploymentQueries.Visible(db, subject, subject.Organization).OrderBy(row => row.Name).Take(limit)
            .Select(row => new DeploymentName(row.Id, row.WorkspaceId, row.Name)).ToListAsync(cancellationToken);

    /// <summary>The kind and name of each id, such as "Workspace shop". Ids that do not exist are absent.</summary>
    public async Task<IReadOnlyDictionary<string, string>> DescribeAsync(IReadOnlyCollection<WorkspaceId> workspaces,
        IReadOnlyCollection<DeploymentId> deployments, CancellationToken cancellationToken)
    {
        var names = new Dictionary<string, string>(StringComparer.Ordinal);
        if (workspaces.Count > 0)
        {
            foreach (var row in await db.Workspaces.Where(row => workspaces.Contains(row.Id))
                .Select(row => new { row.Id, row.Name }).ToListAsync(cancellationToken))
                names[row.Id.Value] = "Workspace " + row.Name;
        }
        if (deployments.Count > 0)
        {
            foreach (var row in await db.Deployments.Where(row => deployments.Contains(row.Id))
                .Select(row => new { row.Id, row.Name }).ToListAsync(cancellationToken))
                names[row.Id.Value] = "Deployment " + row.Name;
        }
        return names;
    }
}
