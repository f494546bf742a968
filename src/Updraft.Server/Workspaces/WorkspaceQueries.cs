using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>Reads Workspaces for the API and the web UI.</summary>
internal static class WorkspaceQueries
{
    /// <summary>The Workspaces that a caller sees: those that they may read, and those of a Deployment that they may read.</summary>
    public static IQueryable<Workspace> Visible(UpdraftDbContext db, Subject subject, OrganizationId organization)
    {
        var rows = db.Workspaces.AsNoTracking().Where(row => row.OrganizationId == organization);
        var reach = subject.Reach(Permission.ReadWorkspace);
        if (reach.IsEverywhere)
            return rows;
        List<WorkspaceId> visible = [.. reach.Workspaces, .. reach.AroundDeployments];
        return rows.Where(row => visible.Contains(row.Id));
    }
}
