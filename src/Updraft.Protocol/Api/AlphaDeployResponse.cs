using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateDeploy under <c>/v1alpha1</c>.</summary>
public sealed record CreateAlphaDeployRequest
{
    /// <summary>
    /// <c>IMAGE</c> (an image and DAGs), <c>DAG</c> or <c>BUNDLE</c>; the names of <c>/v1</c> are taken too. Required.
    /// </summary>
    [JsonConverter(typeof(AnyAsTextConverter))]
    public string? Type { get; init; }

    /// <summary>Free text, at most 500 characters.</summary>
    public string? Description { get; init; }

    /// <summary>The DAG bundle to which DAGs are deployed; <c>main</c> when absent.</summary>
    public string? DagBundleName { get; init; }

    /// <summary>Tag of the image that the client pushes; made by the server when absent. Ignored for types without an image.</summary>
    public string? ImageTag { get; init; }

    /// <summary>Absolute path at which Airflow sees the bundle. Required for <c>BUNDLE</c>.</summary>
    public string? BundleMountPath { get; init; }

    /// <summary>What kind of bundle it is, e.g. <c>dbt</c>. Required for <c>BUNDLE</c>.</summary>
    public string? BundleType { get; init; }

    /// <summary>Where the code came from.</summary>
    public DeployGitBlock? Git { get; init; }
}

/// <summary>A deploy as <c>/v1alpha1</c> shows it. What is absent is null and left out.</summary>
public sealed record AlphaDeployResponse
{
    /// <summary>Id of the deploy.</summary>
    public required string Id { get; init; }

    /// <summary>The Deployment that it changes.</summary>
    public required string DeploymentId { get; init; }

    /// <summary><c>IMAGE_AND_DAG</c>, <c>IMAGE_ONLY</c>, <c>DAG_ONLY</c> or <c>BUNDLE</c>.</summary>
    public required string Type { get; init; }

    /// <summary><c>INITIALIZED</c>, <c>DEPLOYED</c> or <c>FAILED</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Why it failed, or what an agent says that could not make it run yet.</summary>
    public string? StatusReason { get; init; }

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
    public string? RuntimeVersion { get; init; }

    /// <summary>Version of the DAG bundle that it deploys to, of <c>main</c> for other types; null before it is done, or when there is none.</summary>
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

    /// <summary>Its way so far; only when asked for.</summary>
    public IReadOnlyList<DeployStepResponse>? Steps { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who created it.</summary>
    public SubjectProfileResponse? CreatedBySubject { get; init; }

    /// <summary>When it was last changed.</summary>
    public DateTimeOffset? UpdatedAt { get; init; }

    /// <summary>Who last changed it.</summary>
    public SubjectProfileResponse? UpdatedBySubject { get; init; }
}

/// <summary>A page of the deploy history, newest first.</summary>
public sealed record AlphaDeploysPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<AlphaDeployResponse> Deploys { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all deploys that match.</summary>
    public required long TotalCount { get; init; }
}
