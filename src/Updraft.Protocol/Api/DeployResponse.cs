using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A deploy. Fields without a value are absent.</summary>
public sealed record DeployResponse
{
    /// <summary>Id of the deploy.</summary>
    public required string Id { get; init; }

    /// <summary>Id of the Deployment that the deploy changes.</summary>
    public required string DeploymentId { get; init; }

    /// <summary><c>IMAGE_AND_DAG</c>, <c>IMAGE_ONLY</c>, <c>DAG_ONLY</c> or <c>BUNDLE</c>.</summary>
    [AllowedValues("IMAGE_AND_DAG", "IMAGE_ONLY", "DAG_ONLY", "BUNDLE")]
    public required string Type { get; init; }

    /// <summary>
    /// <c>INITIALIZED</c> after the creation, <c>DEPLOYED</c> after the finalize, <c>FAILED</c> if the image does not run.
    /// </summary>
    [AllowedValues("INITIALIZED", "DEPLOYED", "FAILED")]
    public required string Status { get; init; }

    /// <summary>Free text of the user or client that created the deploy.</summary>
    public string? Description { get; init; }

    /// <summary>Whether DAG deploys were on in the Deployment's settings when the deploy was created.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Registry host and path of the image, without a scheme. Push the image to <c>imageRepository:imageTag</c>.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>
    /// Tag of the image: generated for types with an image, otherwise that of the Deployment. Empty if no image was deployed.
    /// </summary>
    public required string ImageTag { get; init; }

    /// <summary>Airflow version of the image; <c>NA</c> if it is unknown.</summary>
    public string? AirflowVersion { get; init; }

    /// <summary>Runtime version of the image; absent if it is unknown.</summary>
    public string? AstroRuntimeVersion { get; init; }

    /// <summary>
    /// Version of the deploy's DAG bundle, which is <c>main</c> unless the deploy names another one. Absent before the finalize,
    /// and without that bundle.
    /// </summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>Signed upload URL for the archive of DAGs, which expires; absent if there is nothing to upload.</summary>
    public string? DagsUploadUrl { get; init; }

    /// <summary>
    /// Signed upload URL for the archive of a <c>BUNDLE</c> deploy, which expires; absent for other types and after the finalize.
    /// </summary>
    public string? BundleUploadUrl { get; init; }

    /// <summary>Absolute mount path of the bundle that a <c>BUNDLE</c> deploy changes; absent for other types.</summary>
    public string? BundleMountPath { get; init; }

    /// <summary>All non-DAG bundles of the Deployment after this deploy; absent before the finalize.</summary>
    public IReadOnlyList<DeployBundleResponse>? Bundles { get; init; }

    /// <summary>Commit that the code came from; absent if the client sent none.</summary>
    public DeployGitBlock? Git { get; init; }

    /// <summary>Id of the earlier deploy whose content this rollback restored; absent for other deploys.</summary>
    public string? RollbackFromId { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the deploy.</summary>
    public SubjectProfileResponse? CreatedBySubject { get; init; }

    /// <summary>Time of the last change, in UTC.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>User or token that made the last change.</summary>
    public SubjectProfileResponse? UpdatedBySubject { get; init; }
}

/// <summary>A non-DAG bundle in a deploy.</summary>
public sealed record DeployBundleResponse
{
    /// <summary>Kind of the bundle, such as <c>dbt</c>.</summary>
    public required string BundleType { get; init; }

    /// <summary>Absolute path at which Airflow sees the bundle.</summary>
    public required string MountPath { get; init; }

    /// <summary>Id of the deploy that uploaded the version.</summary>
    public required string DeployId { get; init; }

    /// <summary>Version that agents report for the mount path; absent if no agent reports one.</summary>
    public string? CurrentVersion { get; init; }

    /// <summary>Version that this deploy names.</summary>
    public string? DesiredVersion { get; init; }
}

/// <summary>A page of the deploy history, newest first.</summary>
public sealed record DeploysPaginated
{
    /// <summary>Deploys on this page, newest first.</summary>
    public required IReadOnlyList<DeployResponse> Deploys { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of deploys on all pages.</summary>
    public required long TotalCount { get; init; }
}
