using System.Diagnostics.CodeAnalysis;
using Updraft.Protocol.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>A deploy and the revision that it made; no revision before it is done.</summary>
internal sealed record DeployWithRevision
{
    public required Deploy Deploy { get; init; }

    public required Revision? Revision { get; init; }
}

/// <summary>Entity to wire.</summary>
internal static class DeployMapping
{
    private const string UnknownAirflow = "NA";

    /// <summary>The deploy as the API shows it.</summary>
    /// <param name="row">The deploy.</param>
    /// <param name="running">Version that runs at each mount path below the agent's root.</param>
    /// <param name="uploadUrl">Where it uploads to; null when it does not, or no longer.</param>
    public static DeployResponse ToResponse(this DeployWithRevision row, IReadOnlyDictionary<string, string> running, string? uploadUrl)
    {
        var (deploy, revision) = (row.Deploy, row.Revision);
        return new()
        {
            Id = deploy.Id.Value,
            DeploymentId = deploy.DeploymentId.Value,
            Type = deploy.Type.Name(),
            Status = deploy.Status.ToString().ToUpperInvariant(),
            Description = deploy.Description,
            IsDagDeployEnabled = deploy.IsDagDeployEnabled,
            // What was the current image when the deploy was created may not be what it was finalized upon.
            ImageRepository = revision?.ImageRepository ?? deploy.ImageRepository,
            ImageTag = revision?.ImageTag ?? deploy.ImageTag,
            AirflowVersion = revision is { AirflowVersion: not "" } ? revision.AirflowVersion : UnknownAirflow,
            AstroRuntimeVersion = revision is { RuntimeVersion: not "" } ? revision.RuntimeVersion : null,
            DagTarballVersion = revision?.MountAt(Bundle.PathOf(deploy.DagBundleName))?.Version,
            DagsUploadUrl = deploy.Type == DeployType.Bundle ? null : uploadUrl,
            BundleUploadUrl = deploy.Type == DeployType.Bundle ? uploadUrl : null,
            BundleMountPath = deploy.BundleMountPath,
            Bundles = revision is null ? null : [.. revision.Bundles().Select(mount => mount.ToResponse(running))],
            Git = deploy.Git.ToResponse(),
            RollbackFromId = deploy.RollbackFromId?.Value,
            CreatedAt = deploy.CreatedAt,
            CreatedBySubject = deploy.CreatedBy.ToResponse(),
            UpdatedAt = deploy.UpdatedAt,
            UpdatedBySubject = deploy.UpdatedBy.ToResponse(),
        };
    }

    /// <summary>The non-DAG mounts.</summary>
    public static IEnumerable<RevisionMount> Bundles(this Revision revision) => revision.Mounts.Where(mount => !mount.IsDag);

    private static DeployBundleResponse ToResponse(this RevisionMount mount, IReadOnlyDictionary<string, string> running) => new()
    {
        BundleType = mount.BundleType,
        MountPath = mount.MountPath,
        DeployId = mount.DeployId,
        CurrentVersion = running.GetValueOrDefault(mount.Path),
        DesiredVersion = mount.Version,
    };

    /// <summary>The git block on the wire; nothing for nothing.</summary>
    [return: NotNullIfNotNull(nameof(git))]
    public static DeployGitBlock? ToResponse(this DeployGit? git) => git is null ? null : new()
    {
        Provider = git.Provider,
        CommitSha = git.CommitSha,
        Account = git.Account,
        Repo = git.Repo,
        RemoteUrl = git.RemoteUrl,
        Branch = git.Branch,
        Path = git.Path,
        CommitUrl = git.CommitUrl,
        AuthorName = git.AuthorName,
        AuthorUsername = git.AuthorUsername,
        AuthorUrl = git.AuthorUrl,
        BeforeCommitSha = git.BeforeCommitSha,
    };
}
