using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

internal sealed class CreateWorkspace(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    /// <summary>Maximum length of a name, in code points.</summary>
    public const int MaxName = 50;

    private const int MaxDefault = 100;

    /// <exception cref="ApiException">400: an invalid field, or another Workspace has the name.</exception>
    public async Task<Workspace> RunAsync(Subject subject, OrganizationId organization, CreateWorkspaceRequest request,
        CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", MaxName);
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        CheckDefaults(request.DefaultCloudProvider, request.DefaultClusterId, request.DefaultRegion);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(organization, cancellationToken);
        await RejectTakenNameAsync(db, organization, name, except: null, cancellationToken);
        var now = clock.GetUtcNow();
        var workspace = new Workspace
        {
            Id = new WorkspaceId(EntityId.New(clock)),
            OrganizationId = organization,
            Name = name,
            Description = request.Description,
            CicdEnforcedDefault = request.CicdEnforcedDefault ?? false,
            DefaultCloudProvider = request.DefaultCloudProvider,
            DefaultClusterId = request.DefaultClusterId,
            DefaultRegion = request.DefaultRegion,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        db.Workspaces.Add(workspace);
        events.Record(EventTypes.WorkspaceCreated, subject.Profile, workspace);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return workspace;
    }

    /// <summary>Names are unique within an Organization.</summary>
    /// <exception cref="ApiException">400: another Workspace has the name.</exception>
    public static async Task RejectTakenNameAsync(UpdraftDbContext db, OrganizationId organization, string name, WorkspaceId? except,
        CancellationToken cancellationToken)
    {
        if (await db.Workspaces.AnyAsync(row => row.OrganizationId == organization && row.Name == name && row.Id != except,
            cancellationToken))
        {
            throw new ApiException(WorkspaceErrors.NameTaken,
                $"The Organization already has a Workspace '{ApiException.Shorten(name)}'. Choose another name.");
        }
    }

    /// <summary>Checks the fields that Updraft only stores for clients.</summary>
    /// <exception cref="ApiException">400: an invalid value.</exception>
    public static void CheckDefaults(string? cloudProvider, string? clusterId, string? region)
    {
        TextLimit.OneOf(cloudProvider, "defaultCloudProvider", "", "AWS", "AZURE", "GCP");
        TextLimit.Check(clusterId, "defaultClusterId", MaxDefault);
        TextLimit.Check(region, "defaultRegion", MaxDefault);
    }
}
