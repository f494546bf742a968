using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A deploy as the API shows it. What is absent is null and left out.</summary>
public sealed record DeployResponse
{
    /// <summary>Id of the deploy.</summary>
    public required string Id { get; init; }

    /// <summary>The Deployment that it changes.</summary>
    public required string DeploymentId { get; init; }

    /// <summary><c>IMAGE_AND_DAG</c>, <c>IMAGE_ONLY</c>, <c>DAG_ONLY</c> or <c>BUNDLE</c>.</summary>
    [AllowedValues("IMAGE_AND_DAG", "IMAGE_ONLY", "DAG_ONLY", "BUNDLE")]
    public required string Type { get; init; }

    /// <summary><c>INITIALIZED</c>, <c>DEPLOYED</c> or <c>FAILED</c>.</summary>
    [AllowedValues("INITIALIZED", "DEPLOYED", "FAILED")]
    public required string Status { get; init; }

    /// <summary>Free text of whoever made it.</summary>
    public string? Description { get; init; }

    /// <summary>The Deployment's setting for this deploy.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Registry host and path, without scheme.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>Tag of the image; empty when none was deployed.</summary>
    public required string ImageTag { get; init; }

    /// <summary>Airflow version of the image; <c>NA</c> when unknown.</summary>
    public string? AirflowVersion { get; init; }

    /// <summary>Runtime version of the image; null when unknown.</summary>
    public string? AstroRuntimeVersion { get; init; }

    /// <summary>Version of the default DAG bundle once the deploy is done; null when there is none.</summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>Where the DAG archive is uploaded to; null when there is nothing to upload.</summary>
    public string? DagsUploadUrl { get; init; }

    /// <summary>Where the bundle's archive is uploaded to; null when there is nothing to upload.</summary>
    public string? BundleUploadUrl { get; init; }

    /// <summary>Mount path of a <c>BUNDLE</c> deploy.</summary>
    public string? BundleMountPath { get; init; }

    /// <summary>Every non-DAG bundle of the Deployment with this deploy; null before it is done.</summary>
    public IReadOnlyList<DeployBundleResponse>? Bundles { get; init; }

    /// <summary>Where the code came from.</summary>
    public DeployGitBlock? Git { get; init; }

    /// <summary>The deploy that a rollback went back to.</summary>
    public string? RollbackFromId { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public SubjectProfileResponse? CreatedBySubject { get; init; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>Who last changed it.</summary>
    public SubjectProfileResponse? UpdatedBySubject { get; init; }
}

/// <summary>A non-DAG bundle within a deploy.</summary>
public sealed record DeployBundleResponse
{
    /// <summary>What kind of bundle it is, e.g. <c>dbt</c>.</summary>
    public required string BundleType { get; init; }

    /// <summary>Absolute path at which Airflow sees it.</summary>
    public required string MountPath { get; init; }

    /// <summary>The deploy that brought the version.</summary>
    public required string DeployId { get; init; }

    /// <summary>The version that runs there, as agents report it; null when unknown.</summary>
    public string? CurrentVersion { get; init; }

    /// <summary>The version that this deploy names.</summary>
    public string? DesiredVersion { get; init; }
}

/// <summary>A page of the deploy history, newest first.</summary>
public sealed record DeploysPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<DeployResponse> Deploys { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all deploys.</summary>
    public required long TotalCount { get; init; }
}
