using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>
/// Counts the Deployments of a Workspace that are not deleted, inside the caller's transaction. A delegate, because Deployments are built
/// on Workspaces; Deployments registers it.
/// </summary>
internal delegate Task<int> CountDeployments(WorkspaceId workspace, CancellationToken cancellationToken);

/// <summary>Deletes an empty Workspace. Tokens with a role for only this Workspace become invalid.</summary>
internal sealed class DeleteWorkspace(UpdraftDbContext db, CountDeployments countDeployments, EventLog events)
{
    /// <exception cref="ApiException">400: the Workspace has Deployments. 404: the Workspace does not exist.</exception>
    public async Task RunAsync(Subject subject, WorkspaceId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var workspace = await db.Workspaces.SingleOrDefaultAsync(row => row.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("Workspace", id.Value);
        if (await countDeployments(id, cancellationToken) is var count and > 0)
        {
            throw new ApiException(WorkspaceErrors.NotEmpty,
                $"Workspace '{id}' has {(count == 1 ? "1 Deployment" : $"{count} Deployments")}. Delete the Deployments first.");
        }
        db.Workspaces.Remove(workspace);
        events.Record(EventTypes.WorkspaceDeleted, subject.Profile, workspace);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
