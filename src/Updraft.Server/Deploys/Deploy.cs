using Updraft.Protocol;
using Updraft.Server.Bundles;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>The contract's <c>type</c>.</summary>
public enum DeployType
{
    ImageAndDag,
    ImageOnly,
    DagOnly,
    Bundle,
}

/// <summary>The contract's <c>status</c>.</summary>
public enum DeployStatus
{
    Initialized,
    Deployed,
    Failed,
}

/// <summary>The part of a Deployment that a deploy changes.</summary>
/// <param name="Type">The contract's <c>type</c>.</param>
/// <param name="BundleMountPath">Absolute mount path of a BUNDLE deploy; null for other types.</param>
/// <param name="BundleType">The client's word for the kind of the bundle; null for other types.</param>
/// <param name="DagBundleName">The DAG bundle; null for the default one, and for types without DAGs.</param>
internal sealed record DeployTarget(DeployType Type, string? BundleMountPath, string? BundleType, string? DagBundleName)
{
    public static DeployTarget Of(Bundle bundle) => bundle.IsDag
        ? new(DeployType.DagOnly, null, bundle.BundleType, bundle.IsDefault ? null : bundle.Name)
        : new(DeployType.Bundle, bundle.MountPath, bundle.BundleType, null);
}

/// <summary>One change of a Deployment: created, uploaded, finalized. After finalize, only description and failure change.</summary>
internal sealed class Deploy
{
    public required DeployId Id { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>1, 2, 3 … within the Deployment, without gaps: the order of the history.</summary>
    public required long Number { get; init; }

    public required DeployType Type { get; init; }

    public DeployStatus Status { get; private set; } = DeployStatus.Initialized;

    public string? Description { get; set; }

    public DeployGit? Git { get; set; }

    /// <summary>Absolute mount path of a BUNDLE deploy; null for other types.</summary>
    public string? BundleMountPath { get; init; }

    /// <summary>The client's word for the kind of the bundle, e.g. <c>dbt</c>; null for other types than BUNDLE.</summary>
    public string? BundleType { get; init; }

    /// <summary>The DAG bundle that receives the DAGs; null for the default one, and for types without DAGs.</summary>
    public string? DagBundleName { get; init; }

    public required string ImageRepository { get; init; }

    /// <summary>The tag to push, or the tag of the newest revision for types without an image; empty before the first image.</summary>
    public required string ImageTag { get; init; }

    /// <summary>The Deployment's setting when the deploy was created.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>The version in the finalize request: null if absent, empty to remove the bundle.</summary>
    public string? FinalizedVersion { get; private set; }

    /// <summary>The revision that finalize appended; null before.</summary>
    public long? Revision { get; private set; }

    /// <summary>The reason of the status FAILED; null otherwise.</summary>
    public string? StatusReason { get; private set; }

    /// <summary>The target of a rollback; null for other deploys.</summary>
    public DeployId? RollbackFromId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    // Columns for conditions and sorts, derived from the JSON columns next to them. Only Entity Framework calls the setters.
    public string CreatedById { get => CreatedBy.Id; private set { } }

    public string CreatedByName { get => CreatedBy.Name; private set { } }

    public string? CreatedByFullName { get => CreatedBy.FullName; private set { } }

    /// <summary>The texts of <see cref="Git"/>, one per line; empty without it.</summary>
    public string GitText { get => Git?.SearchText() ?? ""; private set { } }

    public DeployTarget Target => new(Type, BundleMountPath, BundleType, DagBundleName);

    /// <summary>The kind of archive that clients upload to the deploy; null if they upload none.</summary>
    public BundlePurpose? Upload => Type switch
    {
        DeployType.Bundle => BundlePurpose.Bundle,
        DeployType.DagOnly or DeployType.ImageAndDag when IsDagDeployEnabled => BundlePurpose.Dags,
        _ => null,
    };

    /// <summary>The kind of archive that the deploy accepts now; null if it accepts none.</summary>
    public BundlePurpose? OpenUpload => Status == DeployStatus.Initialized ? Upload : null;

    /// <summary>A new deploy with the next number of the history. Call it inside a write transaction.</summary>
    /// <param name="deployment">The locked Deployment.</param>
    /// <param name="target">The part of the Deployment that changes.</param>
    /// <param name="image">The image to push, or the image that stays; the digest is not stored here.</param>
    /// <param name="description">Free text; null for none.</param>
    /// <param name="by">The caller.</param>
    /// <param name="clock">The source of <see cref="CreatedAt"/> and of the id.</param>
    /// <param name="git">The origin of the code; null if the client sent none.</param>
    /// <param name="rollbackFrom">The target of a rollback; null for other deploys.</param>
    public static Deploy Next(Deployment deployment, DeployTarget target, ImageReference image, string? description, SubjectProfile by,
        TimeProvider clock, DeployGit? git = null, DeployId? rollbackFrom = null)
    {
        var now = clock.GetUtcNow();
        return new()
        {
            Id = new(EntityId.New(clock)),
            DeploymentId = deployment.Id,
            Number = deployment.NextDeployNumber(),
            Type = target.Type,
            Description = description,
            Git = git,
            BundleMountPath = target.BundleMountPath,
            BundleType = target.BundleType,
            DagBundleName = target.DagBundleName,
            ImageRepository = image.Repository,
            ImageTag = image.Tag,
            IsDagDeployEnabled = deployment.IsDagDeployEnabled,
            RollbackFromId = rollbackFrom,
            CreatedAt = now,
            CreatedBy = by,
            UpdatedAt = now,
            UpdatedBy = by,
        };
    }

    /// <summary>Changes the status to DEPLOYED.</summary>
    /// <exception cref="InvalidOperationException">The status is not INITIALIZED.</exception>
    public void Commit(long revision, string? version, DateTimeOffset now, SubjectProfile by)
    {
        if (Status != DeployStatus.Initialized)
            throw new InvalidOperationException($"Deploy {Id} is {Status} and cannot be committed.");
        (Status, Revision, FinalizedVersion, UpdatedAt, UpdatedBy) = (DeployStatus.Deployed, revision, version, now, by);
    }

    /// <summary>Removes users and passwords from the URLs of <see cref="Git"/>.</summary>
    public void RemoveGitCredentials() => Git = Git is null ? null : Git with
    {
        RemoteUrl = GitBlock.WithoutCredentials(Git.RemoteUrl),
        CommitUrl = GitBlock.WithoutCredentials(Git.CommitUrl),
        AuthorUrl = GitBlock.WithoutCredentials(Git.AuthorUrl),
    };

    /// <summary>Changes the status to FAILED.</summary>
    /// <exception cref="InvalidOperationException">The status is not DEPLOYED.</exception>
    public void Fail(string reason, DateTimeOffset now, SubjectProfile by)
    {
        if (Status != DeployStatus.Deployed)
            throw new InvalidOperationException($"Deploy {Id} is {Status} and cannot fail.");
        (Status, StatusReason, UpdatedAt, UpdatedBy) = (DeployStatus.Failed, reason, now, by);
    }
}

/// <summary>The origin of the deployed code, as the client sent it, without credentials in URLs.</summary>
internal sealed record DeployGit
{
    public required string Provider { get; init; }

    public required string CommitSha { get; init; }

    public string? Account { get; init; }

    public string? Repo { get; init; }

    public string? RemoteUrl { get; init; }

    public string? Branch { get; init; }

    public string? Path { get; init; }

    public string? CommitUrl { get; init; }

    public string? AuthorName { get; init; }

    public string? AuthorUsername { get; init; }

    public string? AuthorUrl { get; init; }

    public string? BeforeCommitSha { get; init; }

    /// <summary>All texts except the provider, one per line.</summary>
    public string SearchText() => string.Join('\n', ((string?[])[CommitSha, Account, Repo, RemoteUrl, Branch, Path, CommitUrl, AuthorName,
        AuthorUsername, AuthorUrl, BeforeCommitSha]).Where(text => text is not null));
}
