using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Clusters;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Organizations;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Deployments;

internal sealed class CreateDeployment(UpdraftDbContext db, TimeProvider clock, EventLog events, KnownRuntimes runtimes)
{
    private const int MaxRegion = 100;

    /// <exception cref="ApiException">
    /// 400: a field is invalid, the name is in use, or the caller cannot see the Workspace. 403: the caller may not create Deployments
    /// there.
    /// </exception>
    public async Task<DeploymentId> RunAsync(Subject subject, OrganizationId organization, CreateDeploymentRequest request,
        CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", DeploymentRules.MaxName);
        TextLimit.Check(request.Description, "description", DeploymentRules.MaxDescription);
        var runtime = await runtimes.ReadAsync(subject, request.AstroRuntimeVersion, cancellationToken);
        TextLimit.Check(request.Region, "region", MaxRegion);
        var settings = DeploymentRules.ToSettings(request, new DeploymentSettings(), sent: null, clock) with
        {
            CloudProvider = string.IsNullOrEmpty(request.CloudProvider) ? null
                : TextLimit.OneOf(request.CloudProvider, "cloudProvider", "", "AWS", "AZURE", "GCP"),
            Region = request.Region,
        };
        if (!string.IsNullOrEmpty(request.ClusterId) && request.ClusterId != Cluster.IdOf(organization))
        {
            throw ApiException.BadRequest($"'clusterId' is '{ApiException.Shorten(request.ClusterId)}'; it must be "
                + $"'{Cluster.IdOf(organization)}', the only cluster.");
        }
        if (string.IsNullOrEmpty(request.WorkspaceId))
            throw ApiException.BadRequest("'workspaceId' is missing: the Workspace of the Deployment.");
        var workspaceId = new WorkspaceId(request.WorkspaceId);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(organization, cancellationToken);
        var workspace = await db.Workspaces.SingleOrDefaultAsync(
            row => row.Id == workspaceId && row.OrganizationId == organization, cancellationToken);
        if (workspace is null || !subject.Touches(Permission.ReadWorkspace, workspaceId))
        {
            throw ApiException.BadRequest($"'workspaceId' is '{ApiException.Shorten(workspaceId.Value)}', which is not the id of a "
                + "Workspace. Use an id from the list of Workspaces.");
        }
        if (!subject.May(Permission.CreateDeployment, workspaceId))
        {
            throw new ApiException(RequestErrors.PermissionDenied,
                $"No role of the caller allows creating Deployments in Workspace '{workspaceId}'. "
                + "Ask an owner of the Workspace for a role.");
        }
        await RejectDuplicateNameAsync(db, workspaceId, name, except: null, cancellationToken);
        var now = clock.GetUtcNow();
        var deployment = new Deployment
        {
            Id = new DeploymentId(EntityId.New(clock)),
            OrganizationId = organization,
            WorkspaceId = workspaceId,
            Name = name,
            Description = request.Description,
            Namespace = await FindNamespaceAsync(cancellationToken),
            IsDagDeployEnabled = request.IsDagDeployEnabled ?? true,
            IsCicdEnforced = request.IsCicdEnforced ?? workspace.CicdEnforcedDefault,
            RuntimeVersion = runtime,
            Settings = settings,
            CreatedAt = now,
            CreatedBy = subject.Profile,
            UpdatedAt = now,
            UpdatedBy = subject.Profile,
        };
        db.Deployments.Add(deployment);
        events.Record(EventTypes.DeploymentCreated, subject.Profile, deployment.Scope(), deployment.Target(),
            ("workspaceName", workspace.Name));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return deployment.Id;
    }

    /// <summary>Checks that the name is unique among the live Deployments of the Workspace.</summary>
    /// <exception cref="ApiException">400: another Deployment has the name.</exception>
    public static async Task RejectDuplicateNameAsync(UpdraftDbContext db, WorkspaceId workspace, string name, DeploymentId? except,
        CancellationToken cancellationToken)
    {
        if (await db.Deployments.AnyAsync(row => row.WorkspaceId == workspace && row.Name == name && row.DeletedAt == null
            && row.Id != except, cancellationToken))
        {
            throw new ApiException(DeploymentErrors.DuplicateName,
                $"The Workspace already has a Deployment '{ApiException.Shorten(name)}'; choose another name.");
        }
    }

    private async Task<string> FindNamespaceAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var name = DeploymentNames.NewNamespace();
            if (!await db.Deployments.AnyAsync(row => row.Namespace == name, cancellationToken))
                return name;
        }
    }
}
