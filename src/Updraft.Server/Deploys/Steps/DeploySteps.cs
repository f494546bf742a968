using System.Globalization;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys.Steps;

/// <summary>A step with what there is to tell of it.</summary>
internal sealed record DeployStep(DeployStepResponse Response, IReadOnlyList<DeployStepLogEntry> Log);

/// <summary>The way of a deploy, and what an agent says that could not go it to the end.</summary>
internal sealed record DeployProgress(IReadOnlyList<DeployStep> Steps, string? Failure)
{
    /// <summary>What to know about it though it went well.</summary>
    public string? Warning { get; init; }
}

/// <summary>
/// The way of a deploy as far as it is known: created, uploaded, image pushed and resolved, finalized; then prepared and activated by each
/// agent, with what it did between. Nothing of it is stored for its own sake. Agents are known for the last 100 revisions.
/// </summary>
/// <exception cref="ApiException">400: a sort that is not offered. 404: no such deploy in the Deployment, no such step.</exception>
internal sealed class DeploySteps(UpdraftDbContext db, IOptions<AgentOptions> options, RegistryClient registry, TimeProvider clock)
{
    private static readonly Sorting<DeployStepResponse> Sorting = new(row => row.Id,
        ("createdAt", row => row.CreatedAt), ("endedAt", row => row.EndedAt), ("startedAt", row => row.StartedAt),
        ("status", row => row.Status), ("type", row => row.Label), ("updatedAt", row => row.UpdatedAt));

    /// <summary>A page of the steps, in the order in which they happen unless asked otherwise.</summary>
    public async Task<DeployStepsPaginated> ListAsync(DeploymentId deploymentId, DeployId deployId, Paging paging, string[]? sorts,
        CancellationToken cancellationToken)
    {
        var steps = (await ReadAsync(deploymentId, deployId, cancellationToken)).Steps.Select(step => step.Response).ToList();
        IEnumerable<DeployStepResponse> sorted = sorts is { Length: > 0 } ? Sorting.Apply(steps.AsQueryable(), sorts) : steps;
        return new()
        {
            DeploySteps = [.. sorted.Skip(paging.Offset).Take(paging.Limit)],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = steps.Count,
        };
    }

    /// <summary>A page of a step's log, oldest first.</summary>
    public async Task<DeployStepLogsPaginated> ListLogsAsync(DeploymentId deploymentId, DeployId deployId, string stepId, string? searchId,
        Paging paging, CancellationToken cancellationToken)
    {
        var log = (await ReadAsync(deploymentId, deployId, cancellationToken)).Steps.FirstOrDefault(step => step.Response.Id == stepId)?.Log
            ?? throw ApiException.NotFound("step", stepId);
        return new()
        {
            Entries = [.. log.Skip(paging.Offset).Take(paging.Limit)],
            Limit = paging.Limit,
            Offset = paging.Offset,
            SearchId = string.IsNullOrEmpty(searchId) ? stepId : searchId,
            TotalCount = log.Count,
        };
    }

    /// <summary>All steps.</summary>
    public async Task<DeployProgress> ReadAsync(DeploymentId deploymentId, DeployId deployId, CancellationToken cancellationToken)
    {
        var deploy = await db.Deploys.AsNoTracking()
            .SingleOrDefaultAsync(row => row.Id == deployId && row.DeploymentId == deploymentId, cancellationToken)
            ?? throw DeployRules.NotFound(deployId);
        var uploads = await db.BundleVersions.AsNoTracking().Where(row => row.DeploymentId == deploymentId && row.DeployId == deployId)
            .OrderBy(row => row.Version).ToListAsync(cancellationToken);
        var revision = await db.Revisions.AsNoTracking()
            .SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Number == deploy.Revision, cancellationToken);
        List<DeployStep> steps = [Created(deploy)];
        if (deploy.RollbackFromId is null && (uploads.Count > 0 || (deploy.Upload is not null && revision is null)))
            steps.Add(Uploaded(deploy, uploads));
        if (deploy.RollbackFromId is null && deploy.Type.HasImage())
            steps.AddRange(await ImageAsync(deploy, revision, cancellationToken));
        var warning = deploy.RollbackFromId is null || revision is null ? null : await WarningAsync(revision, cancellationToken);
        steps.Add(Finalized(deploy, revision, warning));
        if (revision is null)
            return new(steps, deploy.StatusReason);

        var reports = await ReportsAsync(revision, cancellationToken);
        foreach (var report in reports)
            steps.AddRange(AgentSteps.Of(report, revision));
        var failed = reports.Find(report => report.HasFailed);
        return new(steps, deploy.StatusReason ?? (failed is null ? null : $"{failed.Component} on {failed.Host}: {failed.Message}")) { Warning = warning };
    }

    /// <summary>None when the deploy was finalized without a registry, or there is none.</summary>
    private async Task<IEnumerable<DeployStep>> ImageAsync(Deploy deploy, Revision? revision, CancellationToken cancellationToken)
    {
        if (revision is not null)
        {
            var image = await db.Images.AsNoTracking()
                .SingleOrDefaultAsync(row => row.DeploymentId == revision.DeploymentId && row.Digest == revision.ImageDigest, cancellationToken);
            return image is null ? [] : ImageSteps.Of(deploy, revision, image, null);
        }
        return registry.IsConfigured ? ImageSteps.Of(deploy, null, null, await LookAsync(deploy, cancellationToken)) : [];
    }

    /// <summary>A registry that does not answer keeps nobody from seeing the other steps.</summary>
    private async Task<TagState> LookAsync(Deploy deploy, CancellationToken cancellationToken)
    {
        var organization = await db.Deployments.Where(row => row.Id == deploy.DeploymentId).Select(row => row.OrganizationId)
            .SingleAsync(cancellationToken);
        try
        {
            return new(await registry.FindManifestAsync(new(organization, deploy.DeploymentId), deploy.ImageTag, cancellationToken), null, clock.GetUtcNow());
        }
        catch (ApiException exception)
        {
            return new(null, exception.Message, clock.GetUtcNow());
        }
    }

    private async Task<string?> WarningAsync(Revision revision, CancellationToken cancellationToken) => DeployRules.DowngradeWarning(
        await db.Revisions.AsNoTracking().SingleOrDefaultAsync(row => row.DeploymentId == revision.DeploymentId && row.Number == revision.Number - 1,
            cancellationToken), revision);

    /// <summary>What agents said of a revision; of the newest one also those that have said nothing yet.</summary>
    private async Task<List<RevisionReport>> ReportsAsync(Revision revision, CancellationToken cancellationToken)
    {
        var reports = await db.RevisionReports.AsNoTracking()
            .Where(row => row.DeploymentId == revision.DeploymentId && row.Revision == revision.Number)
            .OrderBy(row => row.AgentId).ToListAsync(cancellationToken);
        var isNewest = await db.Deployments.AnyAsync(row => row.Id == revision.DeploymentId && row.Revision == revision.Number, cancellationToken);
        if (!isNewest)
            return reports;
        var liveSince = clock.GetUtcNow() - options.Value.LiveFor;
        var known = reports.Select(report => report.AgentId).ToHashSet();
        var live = await db.Agents.AsNoTracking().Where(row => row.DeploymentId == revision.DeploymentId && row.LastSeenAt >= liveSince)
            .OrderBy(row => row.Id).Select(row => new { row.Id, row.Host, row.Component }).ToListAsync(cancellationToken);
        return [.. reports, .. live.Where(agent => !known.Contains(agent.Id)).Select(agent => new RevisionReport
        {
            DeploymentId = revision.DeploymentId,
            Revision = revision.Number,
            AgentId = agent.Id,
            Host = agent.Host,
            Component = agent.Component,
        })];
    }

    private static DeployStep Created(Deploy deploy) => Step("created", "Created", deploy.CreatedAt, deploy.CreatedAt, deploy.CreatedAt,
        [Entry($"{deploy.CreatedBy.Name} created the deploy, of type {deploy.Type.Name()}.", deploy.CreatedAt)]);

    private static DeployStep Uploaded(Deploy deploy, List<BundleVersion> uploads) => Step("uploaded", "Uploaded", deploy.CreatedAt,
        uploads.FirstOrDefault()?.CreatedAt, uploads.LastOrDefault()?.CreatedAt, [.. uploads.Select(upload => Entry(
            string.Create(CultureInfo.InvariantCulture, $"Version {upload.Version}: {upload.Files} files, {upload.Bytes} bytes."), upload.CreatedAt))]);

    private static DeployStep Finalized(Deploy deploy, Revision? revision, string? warning) => Step("finalized",
        deploy.RollbackFromId is null ? "Finalized" : "Rolled back", deploy.CreatedAt, revision?.CreatedAt, revision?.CreatedAt, revision is null ? [] :
        [
            Entry(revision.ImageTag.Length == 0 ? $"Revision {revision.Number} names no image."
                : $"Revision {revision.Number} names the image {revision.ImageRepository}:{revision.ImageTag}.", revision.CreatedAt),
            .. revision.Mounts.Select(mount => Entry($"{mount.MountPath} is to have version {mount.Version}.", revision.CreatedAt)),
            .. warning is null ? Array.Empty<DeployStepLogEntry>() : [Entry(warning, revision.CreatedAt)],
        ]);

    /// <summary>A step that is done when it has an end.</summary>
    public static DeployStep Step(string id, string label, DateTimeOffset createdAt, DateTimeOffset? startedAt, DateTimeOffset? endedAt,
        IReadOnlyList<DeployStepLogEntry> log) => new(new()
        {
            Id = id,
            Label = label,
            Status = endedAt is null ? AgentSteps.Pending : AgentSteps.Completed,
            EmitsLogs = true,
            CreatedAt = createdAt,
            StartedAt = startedAt,
            EndedAt = endedAt,
            UpdatedAt = endedAt ?? createdAt,
        }, log);

    /// <summary>A line of a step's log.</summary>
    public static DeployStepLogEntry Entry(string message, DateTimeOffset at) => new() { Message = message, Timestamp = at };
}
