using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>Replaces the settings of a Workspace. Existing Deployments keep their settings.</summary>
internal sealed class UpdateWorkspace(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    /// <exception cref="ApiException">
    /// 400: a required field is missing or invalid, or another Workspace has the name. 404: the Workspace does not exist.
    /// </exception>
    public async Task RunAsync(Subject subject, WorkspaceId id, UpdateWorkspaceRequest request, CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", CreateWorkspace.MaxName);
        if (request.Description is null || request.CicdEnforcedDefault is null)
            throw ApiException.BadRequest(
                "An update replaces all settings. Send 'description', which may be empty, and 'cicdEnforcedDefault' too.");
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        CreateWorkspace.CheckDefaults(request.DefaultCloudProvider, request.DefaultClusterId, request.DefaultRegion);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(subject.Organization, cancellationToken);
        var workspace = await db.Workspaces.SingleOrDefaultAsync(row => row.Id == id, cancellationToken)
            ?? throw ApiException.NotFound("Workspace", id.Value);
        await CreateWorkspace.RejectTakenNameAsync(db, workspace.OrganizationId, name, except: id, cancellationToken);
        var changed = Changed.Names(("name", workspace.Name, name), ("description", workspace.Description, request.Description),
            ("cicdEnforcedDefault", workspace.CicdEnforcedDefault, request.CicdEnforcedDefault.Value));
        workspace.Name = name;
        workspace.Description = request.Description;
        workspace.CicdEnforcedDefault = request.CicdEnforcedDefault.Value;
        workspace.DefaultCloudProvider = request.DefaultCloudProvider;
        workspace.DefaultClusterId = request.DefaultClusterId;
        workspace.DefaultRegion = request.DefaultRegion;
        (workspace.UpdatedAt, workspace.UpdatedBy) = (clock.GetUtcNow(), subject.Profile);
        events.Record(EventTypes.WorkspaceUpdated, subject.Profile, workspace, (Changed.Detail, changed));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}
