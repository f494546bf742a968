using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>
/// Counts the live Deployments of a Workspace, inside the caller's transaction. A delegate, because Deployments are built on Workspaces
/// and not the other way round.
/// </summary>
internal delegate Task<int> CountDeployments(WorkspaceId workspace, CancellationToken cancellationToken);

/// <summary>Deletes a Workspace that is empty. Its tokens end with it.</summary>
internal sealed class DeleteWorkspace(UpdraftDbContext db, CountDeployments countDeployments, EventLog events)
{
    /// <exception cref="ApiException">400: it has Deployments. 404: no such Workspace.</exception>
    public async Task RunAsync(Subject subject, WorkspaceId id, CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var workspace = await db.Workspaces.SingleOrDefaultAsync(row => row.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("Workspace", id.Value);
        if (await countDeployments(id, cancellationToken) is var count and > 0)
            throw ApiException.BadRequest($"Workspace '{id}' has {(count == 1 ? "1 Deployment" : $"{count} Deployments")}; delete what is in it first.");
        db.Workspaces.Remove(workspace);
        events.Record(EventTypes.WorkspaceDeleted, subject.Profile, workspace);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
