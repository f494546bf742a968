using System.Diagnostics.CodeAnalysis;
using Updraft.Protocol.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>A deploy and its revision, which is null before finalize.</summary>
internal sealed record DeployWithRevision
{
    public required Deploy Deploy { get; init; }

    public required Revision? Revision { get; init; }

    /// <summary>
    /// Whether the response depends on neither caller nor time. Upload URLs expire and are for some callers only. Current versions of bundles
    /// depend on the live agents.
    /// </summary>
    public bool IsSameForAllCallers => Deploy.OpenUpload is null && Revision?.Bundles().Any() != true;
}

/// <summary>Converts deploys to responses.</summary>
internal static class DeployMapping
{
    private const string UnknownAirflow = "NA";

    /// <param name="row">The deploy.</param>
    /// <param name="runtimes">The known runtimes, for an image that does not name its Airflow version.</param>
    /// <param name="running">The version that agents report, by path below the agent's root.</param>
    /// <param name="uploadUrl">The signed upload URL; null if the deploy accepts no upload, or if the caller may not upload.</param>
    public static DeployResponse ToResponse(this DeployWithRevision row, RuntimeOptions runtimes,
        IReadOnlyDictionary<string, string> running, string? uploadUrl)
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
            // Another deploy may have changed the image between create and finalize.
            ImageRepository = revision?.ImageRepository ?? deploy.ImageRepository,
            ImageTag = revision?.ImageTag ?? deploy.ImageTag,
            AirflowVersion = revision is null ? UnknownAirflow
                : runtimes.AirflowOr(UnknownAirflow, revision.AirflowVersion, revision.RuntimeVersion),
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

    /// <summary>The git block of the response; null without one.</summary>
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
