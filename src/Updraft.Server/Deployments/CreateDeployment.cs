using System.Text.RegularExpressions;
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

/// <summary>Makes a Deployment.</summary>
internal sealed class CreateDeployment(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    private const int MaxVersion = 64, MaxRegion = 100;

    private const RegexOptions Matching = RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant;
    private static readonly Regex VersionPattern = new(@"^[A-Za-z0-9][A-Za-z0-9._+-]*\z", Matching);

    /// <exception cref="ApiException">400: a bad field, a name that is taken, a Workspace that the caller does not see.</exception>
    public async Task<DeploymentId> RunAsync(Subject subject, OrganizationId organization, CreateDeploymentRequest request,
        CancellationToken cancellationToken)
    {
        var name = TextLimit.Name(request.Name, "name", DeploymentRules.MaxName);
        TextLimit.Check(request.Description, "description", DeploymentRules.MaxDescription);
        var runtime = request.AstroRuntimeVersion ?? "";
        if (runtime.Length > MaxVersion || (runtime.Length > 0 && !VersionPattern.IsMatch(runtime)))
            throw ApiException.BadRequest("'astroRuntimeVersion' must be a version such as 13.1.0.");
        TextLimit.Check(request.Region, "region", MaxRegion);
        var settings = DeploymentRules.ToSettings(request, new DeploymentSettings(), clock) with
        {
            CloudProvider = request.CloudProvider is null ? null
                : TextLimit.OneOf(request.CloudProvider, "cloudProvider", "", "AWS", "AZURE", "GCP"),
            Region = request.Region,
        };
        if (!string.IsNullOrEmpty(request.ClusterId) && request.ClusterId != Cluster.IdOf(organization))
            throw ApiException.BadRequest(
                $"'clusterId' names no cluster: there is no '{ApiException.Shorten(request.ClusterId)}', only '{Cluster.IdOf(organization)}'.");
        if (string.IsNullOrEmpty(request.WorkspaceId))
            throw ApiException.BadRequest("'workspaceId' is missing; it names the Workspace for the Deployment.");
        var workspaceId = new WorkspaceId(request.WorkspaceId);

        await using var write = await db.BeginWriteAsync(cancellationToken);
        await db.LockOrganizationAsync(organization, cancellationToken);
        var workspace = await db.Workspaces.SingleOrDefaultAsync(
            row => row.Id == workspaceId && row.OrganizationId == organization, cancellationToken);
        if (workspace is null || !subject.Touches(Permission.ReadWorkspace, workspaceId))
            throw ApiException.BadRequest($"'workspaceId' names no Workspace: there is no '{ApiException.Shorten(workspaceId.Value)}'.");
        if (!subject.May(Permission.CreateDeployment, workspaceId))
            throw new ApiException(StatusCodes.Status403Forbidden, $"No role lets the caller create Deployments in Workspace '{workspaceId}'.");
        await RejectTakenNameAsync(db, workspaceId, name, except: null, cancellationToken);
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
        events.Record(EventTypes.DeploymentCreated, subject.Profile, deployment.Place(), deployment.Target(), ("workspaceName", workspace.Name));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return deployment.Id;
    }

    /// <summary>Names are unique among the live Deployments of a Workspace.</summary>
    /// <exception cref="ApiException">400: the name is taken.</exception>
    public static async Task RejectTakenNameAsync(UpdraftDbContext db, WorkspaceId workspace, string name, DeploymentId? except,
        CancellationToken cancellationToken)
    {
        if (await db.Deployments.AnyAsync(row => row.WorkspaceId == workspace && row.Name == name && row.DeletedAt == null
            && row.Id != except, cancellationToken))
            throw ApiException.BadRequest($"The Workspace has a Deployment '{ApiException.Shorten(name)}' already; choose another name.");
    }

    private async Task<string> FindNamespaceAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var wanted = DeploymentNames.NewNamespace();
            if (!await db.Deployments.AnyAsync(row => row.Namespace == wanted, cancellationToken))
                return wanted;
        }
    }
}
