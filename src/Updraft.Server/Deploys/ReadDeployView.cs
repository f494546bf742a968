using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Deployments;
using Updraft.Server.Deploys.Compare;
using Updraft.Server.Deploys.Steps;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>All data of the page about one deploy.</summary>
public sealed record DeployView
{
    public required DeploymentResponse Deployment { get; init; }

    public required DeployResponse Deploy { get; init; }

    /// <summary>Position in the history of the Deployment: 1, 2, 3 …</summary>
    public required long Number { get; init; }

    /// <summary>The revision of the deploy; null before finalize.</summary>
    public required long? Revision { get; init; }

    /// <summary>Whether <see cref="Revision"/> is the newest of the Deployment.</summary>
    public required bool IsNewest { get; init; }

    public required DeployProgress Progress { get; init; }

    /// <summary>Bundle versions of the revision; empty before finalize.</summary>
    public required IReadOnlyList<DeployMount> Mounts { get; init; }

    /// <summary>
    /// Time from finalize until the last agent activated the revision; null if an agent has not, or if no report is stored.
    /// </summary>
    public required TimeSpan? TimeToActive { get; init; }

    /// <summary>The deploy of the revision before; null for the first one.</summary>
    public required DeployId? PreviousDeployId { get; init; }

    /// <summary>Differences to <see cref="PreviousDeployId"/>, by mount path; empty without one.</summary>
    public required IReadOnlyList<BundleChange> Changes { get; init; }
}

/// <summary>A bundle version of a deploy, next to the version that live agents report.</summary>
/// <param name="Mount">The bundle version.</param>
/// <param name="RunningVersion">The version at the same mount path; null if no agent reported one.</param>
public sealed record DeployMount(RevisionMount Mount, string? RunningVersion);

/// <summary>
/// Reads <see cref="DeployView"/>: the four queries of <see cref="ReadDeployDetails"/>, and the manifests of bundles that differ.
/// </summary>
/// <exception cref="ApiException">404: no such Deployment, or no such deploy in it.</exception>
internal sealed class ReadDeployView(ReadDeployDetails readDetails, DeploymentQueries deployments, DescribeDeploy describe, DeploySteps steps,
    CompareFiles compare, ContentReads reads)
{
    public async Task<DeployView> RunAsync(Subject subject, DeploymentId deploymentId, DeployId deployId,
        CancellationToken cancellationToken)
    {
        var details = await readDetails.RunAsync(deploymentId, deployId, cancellationToken);
        var (deployment, deploy, revision, previous) = (details.Deployment, details.Deploy, details.Revision, details.Previous);
        var condition = ReadConditions.Describe(details.Newest, details.Agents, details.LiveSince, details.CurrentVersions);
        var row = new DeployWithRevision { Deploy = deploy, Revision = revision };
        return new()
        {
            Deployment = deployments.Describe(ApiVersion.V1, deployment, details.WorkspaceName, condition),
            Deploy = describe.Run(subject, deployment.WorkspaceId, row, details.CurrentVersions),
            Number = deploy.Number,
            Revision = revision?.Number,
            IsNewest = details.IsNewest,
            Progress = await steps.DescribeAsync(details, cancellationToken),
            Mounts = [.. (revision?.Mounts ?? [])
                .Select(mount => new DeployMount(mount, details.CurrentVersions.GetValueOrDefault(mount.Path)))],
            TimeToActive = TimeToActive(details),
            PreviousDeployId = previous?.DeployId,
            Changes = revision is null || previous is null ? [] : await CompareAsync(previous, revision, cancellationToken),
        };
    }

    private async Task<IReadOnlyList<BundleChange>> CompareAsync(Revision before, Revision after, CancellationToken cancellationToken)
    {
        using var place = await reads.EnterAsync(cancellationToken);
        return await compare.CompareAsync(before, after, cancellationToken);
    }

    private static TimeSpan? TimeToActive(DeployDetails details) => details.Reports.Any(report => report.ActiveAt is null)
        ? null
        : details.Reports.Max(report => report.ActiveAt) - details.Revision?.CreatedAt;
}
