using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateDeploy under <c>/v1alpha1</c>.</summary>
public sealed record CreateAlphaDeployRequest
{
    /// <summary>
    /// Required: <c>IMAGE</c> (an image and DAGs), <c>DAG</c> or <c>BUNDLE</c>. The names of <c>/v1</c> are valid too.
    /// </summary>
    [JsonConverter(typeof(AnyAsTextConverter))]
    public string? Type { get; init; }

    /// <summary>Free text for the history, at most 500 characters. Default: none.</summary>
    public string? Description { get; init; }

    /// <summary>
    /// Name of the DAG bundle that receives the DAGs. Default: <c>main</c>. Other names are valid only for types that bring DAGs.
    /// </summary>
    public string? DagBundleName { get; init; }

    /// <summary>
    /// Tag of the image that the client pushes: 1 to 128 letters, digits, <c>_</c>, <c>.</c> or <c>-</c>. By default the server
    /// generates a tag. Ignored for types without an image.
    /// </summary>
    public string? ImageTag { get; init; }

    /// <summary>
    /// Absolute path below Airflow's home at which Airflow sees the bundle. Required for <c>BUNDLE</c>, ignored for other types.
    /// </summary>
    public string? BundleMountPath { get; init; }

    /// <summary>
    /// Kind of the bundle, such as <c>dbt</c>: one word of at most 64 characters. Required for <c>BUNDLE</c>, ignored for other
    /// types.
    /// </summary>
    public string? BundleType { get; init; }

    /// <summary>Commit that the code came from. Default: none.</summary>
    public DeployGitBlock? Git { get; init; }
}

/// <summary>A deploy in the form of <c>/v1alpha1</c>. Fields without a value are absent.</summary>
public sealed record AlphaDeployResponse
{
    /// <summary>Id of the deploy.</summary>
    public required string Id { get; init; }

    /// <summary>Id of the Deployment that the deploy changes.</summary>
    public required string DeploymentId { get; init; }

    /// <summary><c>IMAGE_AND_DAG</c>, <c>IMAGE_ONLY</c>, <c>DAG_ONLY</c> or <c>BUNDLE</c>.</summary>
    public required string Type { get; init; }

    /// <summary>
    /// <c>INITIALIZED</c> after the creation, <c>DEPLOYED</c> after the finalize, <c>FAILED</c> if the image does not run.
    /// </summary>
    public required string Status { get; init; }

    /// <summary>
    /// Reason of a failure, the message of an agent that failed, or the warning of a rollback. Only the request for one deploy
    /// returns it.
    /// </summary>
    public string? StatusReason { get; init; }

    /// <summary>Free text of the user or client that created the deploy.</summary>
    public string? Description { get; init; }

    /// <summary>Whether DAG deploys were on in the Deployment's settings when the deploy was created.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Registry host and path of the image, without a scheme.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>Tag of the image. Empty if no image was deployed.</summary>
    public required string ImageTag { get; init; }

    /// <summary>Airflow version of the image; <c>NA</c> if it is unknown.</summary>
    public string? AirflowVersion { get; init; }

    /// <summary>Runtime version of the image; absent if it is unknown.</summary>
    public string? RuntimeVersion { get; init; }

    /// <summary>
    /// Version of the deploy's DAG bundle, which is <c>main</c> unless the deploy names another one. Absent before the finalize,
    /// and without that bundle.
    /// </summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>Signed upload URL for the archive of DAGs; absent if there is nothing to upload.</summary>
    public string? DagsUploadUrl { get; init; }

    /// <summary>Signed upload URL for the archive of a <c>BUNDLE</c> deploy; absent for other types and after the finalize.</summary>
    public string? BundleUploadUrl { get; init; }

    /// <summary>Absolute mount path of the bundle that a <c>BUNDLE</c> deploy changes.</summary>
    public string? BundleMountPath { get; init; }

    /// <summary>All non-DAG bundles of the Deployment after this deploy; absent before the finalize.</summary>
    public IReadOnlyList<DeployBundleResponse>? Bundles { get; init; }

    /// <summary>Commit that the code came from; absent if the client sent none.</summary>
    public DeployGitBlock? Git { get; init; }

    /// <summary>Id of the earlier deploy whose content this rollback restored; absent for other deploys.</summary>
    public string? RollbackFromId { get; init; }

    /// <summary>Steps of the deploy so far; only with <c>includeSteps=true</c>.</summary>
    public IReadOnlyList<DeployStepResponse>? Steps { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the deploy.</summary>
    public SubjectProfileResponse? CreatedBySubject { get; init; }

    /// <summary>Time of the last change, in UTC.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>User or token that made the last change.</summary>
    public SubjectProfileResponse? UpdatedBySubject { get; init; }
}

/// <summary>A page of the deploy history, newest first.</summary>
public sealed record AlphaDeploysPaginated
{
    /// <summary>Deploys on this page, newest first.</summary>
    public required IReadOnlyList<AlphaDeployResponse> Deploys { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching deploys on all pages.</summary>
    public required long TotalCount { get; init; }
}
