using Updraft.Protocol;
using Updraft.Server.Bundles;
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

/// <summary>An intent to change a Deployment. After it is committed only its description changes.</summary>
internal sealed class Deploy
{
    public required DeployId Id { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>1, 2, 3 … within the Deployment, without gaps: the order of the history.</summary>
    public required long Number { get; init; }

    public required DeployType Type { get; init; }

    public DeployStatus Status { get; private set; } = DeployStatus.Initialized;

    public string? Description { get; set; }

    public DeployGit? Git { get; init; }

    /// <summary>Absolute mount path of a BUNDLE deploy.</summary>
    public string? BundleMountPath { get; init; }

    public string? BundleType { get; init; }

    /// <summary>The DAG bundle to which DAGs are deployed; null for the default one, and for types without DAGs.</summary>
    public string? DagBundleName { get; init; }

    public required string ImageRepository { get; init; }

    public required string ImageTag { get; init; }

    /// <summary>The Deployment's setting when the deploy was created.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>The version that finalize named: null when absent, empty for a deletion.</summary>
    public string? FinalizedVersion { get; private set; }

    /// <summary>The revision that it made; null before it is committed.</summary>
    public long? Revision { get; private set; }

    /// <summary>Why it is FAILED; null otherwise.</summary>
    public string? StatusReason { get; private set; }

    /// <summary>The deploy that a rollback went back to.</summary>
    public DeployId? RollbackFromId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    /// <summary>What is uploaded to it; null for nothing.</summary>
    public BundlePurpose? Upload => Type switch
    {
        DeployType.Bundle => BundlePurpose.Bundle,
        DeployType.DagOnly or DeployType.ImageAndDag when IsDagDeployEnabled => BundlePurpose.Dags,
        _ => null,
    };

    /// <summary>Makes it DEPLOYED as a revision.</summary>
    /// <exception cref="InvalidOperationException">It is not INITIALIZED.</exception>
    public void Commit(long revision, string? version, DateTimeOffset now, SubjectProfile by)
    {
        if (Status != DeployStatus.Initialized)
            throw new InvalidOperationException($"Deploy {Id} is {Status} and cannot be committed.");
        (Status, Revision, FinalizedVersion, UpdatedAt, UpdatedBy) = (DeployStatus.Deployed, revision, version, now, by);
    }

    /// <summary>Makes it FAILED: what it deployed does not run.</summary>
    /// <exception cref="InvalidOperationException">It is not DEPLOYED.</exception>
    public void Fail(string reason, DateTimeOffset now, SubjectProfile by)
    {
        if (Status != DeployStatus.Deployed)
            throw new InvalidOperationException($"Deploy {Id} is {Status} and cannot fail.");
        (Status, StatusReason, UpdatedAt, UpdatedBy) = (DeployStatus.Failed, reason, now, by);
    }
}

/// <summary>Where the deployed code came from, as the client said. Immutable.</summary>
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
}
