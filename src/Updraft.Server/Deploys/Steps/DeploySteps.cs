using System.Globalization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys.Steps;

public sealed record DeployStep(DeployStepResponse Response, IReadOnlyList<DeployStepLogEntry> Log);

/// <param name="Steps">The steps in the order in which they happen.</param>
/// <param name="Failure">The reason why the deploy, or an agent, failed; null without a failure.</param>
public sealed record DeployProgress(IReadOnlyList<DeployStep> Steps, string? Failure)
{
    /// <summary>The warning about a rollback to an older runtime; null without one.</summary>
    public string? Warning { get; init; }

    /// <summary>The warnings about the archive that is deployed, or that was uploaded last; empty without any.</summary>
    public IReadOnlyList<string> UploadWarnings { get; init; } = [];
}

/// <summary>
/// Derives the steps of a deploy from other rows: created, uploaded, image pushed and resolved, finalized. Then follow the steps of each
/// agent, from prepared to activated. Reports of agents, and so their steps, exist for the newest 100 revisions.
/// </summary>
/// <exception cref="ApiException">400: the sort is unknown. 404: no such deploy in the Deployment, or no such step.</exception>
internal sealed class DeploySteps(ReadDeployDetails readDetails, RegistryClient registry, TimeProvider clock)
{
    private static readonly Sorting<DeployStepResponse> Sorting = new(row => row.Id,
        ("createdAt", row => row.CreatedAt), ("endedAt", row => row.EndedAt), ("startedAt", row => row.StartedAt),
        ("status", row => row.Status), ("type", row => row.Label), ("updatedAt", row => row.UpdatedAt));

    /// <summary>A page of the steps; by default in the order in which they happen.</summary>
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
        var progress = await ReadAsync(deploymentId, deployId, cancellationToken);
        var log = progress.Steps.FirstOrDefault(step => step.Response.Id == stepId)?.Log
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

    /// <summary>All steps of a deploy.</summary>
    public async Task<DeployProgress> ReadAsync(DeploymentId deploymentId, DeployId deployId, CancellationToken cancellationToken) =>
        await DescribeAsync(await readDetails.RunAsync(deploymentId, deployId, cancellationToken), cancellationToken);

    /// <summary>
    /// All steps of a deploy whose rows the caller has already read. Before finalize, sends a request to the image registry.
    /// </summary>
    public async Task<DeployProgress> DescribeAsync(DeployDetails details, CancellationToken cancellationToken)
    {
        var (deploy, uploads, revision) = (details.Deploy, details.Uploads, details.Revision);
        var isRollback = deploy.RollbackFromId is not null;
        List<DeployStep> steps = [Created(deploy)];
        if (!isRollback && (uploads.Count > 0 || (deploy.Upload is not null && revision is null)))
            steps.Add(Uploaded(deploy, uploads));
        if (!isRollback && deploy.Type.HasImage())
            steps.AddRange(await ImageAsync(details, cancellationToken));
        var warning = isRollback && revision is not null ? DeployRules.DowngradeWarning(details.Previous, revision) : null;
        steps.Add(Finalized(deploy, revision, warning));
        if (revision is null)
            return new(steps, deploy.StatusReason) { UploadWarnings = WarningsOf(deploy, uploads) };

        var reports = WithSilentAgents(details, revision);
        foreach (var report in reports)
            steps.AddRange(AgentSteps.Of(report, revision));
        var failed = reports.FirstOrDefault(report => report.HasFailed);
        var failure = deploy.StatusReason ?? (failed is null ? null : $"{failed.Component} on {failed.Host}: {failed.Message}");
        return new(steps, failure) { Warning = warning, UploadWarnings = WarningsOf(deploy, uploads) };
    }

    /// <summary>Empty if the deploy was finalized without a registry, or if none is configured.</summary>
    private async Task<IEnumerable<DeployStep>> ImageAsync(DeployDetails details, CancellationToken cancellationToken)
    {
        if (details.Revision is { } revision)
            return details.Image is { } image ? ImageSteps.Of(details.Deploy, revision, image, null) : [];
        return registry.IsConfigured ? ImageSteps.Of(details.Deploy, null, null, await FindTagAsync(details, cancellationToken)) : [];
    }

    /// <summary>An unreachable registry becomes a line of the step; the other steps remain readable.</summary>
    private async Task<TagState> FindTagAsync(DeployDetails details, CancellationToken cancellationToken)
    {
        var (deployment, deploy) = (details.Deployment, details.Deploy);
        try
        {
            var repository = new RegistryRepository(deployment.OrganizationId, deployment.Id);
            return new(await registry.FindManifestAsync(repository, deploy.ImageTag, cancellationToken), null, clock.GetUtcNow());
        }
        catch (ApiException exception)
        {
            return new(null, exception.Message, clock.GetUtcNow());
        }
    }

    /// <summary>The reports about a revision; for the newest one also an empty report for each live agent that has sent none.</summary>
    private static IReadOnlyList<RevisionReport> WithSilentAgents(DeployDetails details, Revision revision)
    {
        if (!details.IsNewest)
            return details.Reports;
        var known = details.Reports.Select(report => report.AgentId).ToHashSet();
        return [.. details.Reports, .. details.Agents.Where(agent => agent.LastSeenAt >= details.LiveSince && !known.Contains(agent.Id))
            .Select(agent => new RevisionReport
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

    private static DeployStep Uploaded(Deploy deploy, IReadOnlyList<BundleVersion> uploads) => Step("uploaded", "Uploaded",
        deploy.CreatedAt, uploads is [var first, ..] ? first.CreatedAt : null, uploads is [.., var last] ? last.CreatedAt : null,
        [.. uploads.SelectMany(Entries)]);

    private static IEnumerable<DeployStepLogEntry> Entries(BundleVersion upload) =>
    [
        Entry(string.Create(CultureInfo.InvariantCulture, $"Version {upload.Version}: {upload.Files} files, {upload.Bytes} bytes."),
            upload.CreatedAt),
        .. (upload.Warnings ?? []).Select(warning => Entry($"Warning: {warning.Message}", upload.CreatedAt)),
    ];

    private static IReadOnlyList<string> WarningsOf(Deploy deploy, IReadOnlyList<BundleVersion> uploads)
    {
        var upload = uploads.LastOrDefault(row => deploy.Revision is null || row.Version == deploy.FinalizedVersion);
        return [.. (upload?.Warnings ?? []).Select(warning => warning.Message)];
    }

    private static DeployStep Finalized(Deploy deploy, Revision? revision, string? warning) => Step("finalized",
        deploy.RollbackFromId is null ? "Finalized" : "Rolled back", deploy.CreatedAt, revision?.CreatedAt, revision?.CreatedAt,
        revision is null ? [] :
        [
            Entry(revision.ImageTag.Length == 0 ? $"Revision {revision.Number} names no image."
                : $"Revision {revision.Number} names the image {revision.ImageRepository}:{revision.ImageTag}.", revision.CreatedAt),
            .. revision.Mounts.Select(mount => Entry($"{mount.MountPath} gets version {mount.Version}.", revision.CreatedAt)),
            .. warning is null ? Array.Empty<DeployStepLogEntry>() : [Entry(warning, revision.CreatedAt)],
        ]);

    /// <summary>A step that is completed if it has an end, and pending otherwise.</summary>
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

    public static DeployStepLogEntry Entry(string message, DateTimeOffset at) => new() { Message = message, Timestamp = at };
}
