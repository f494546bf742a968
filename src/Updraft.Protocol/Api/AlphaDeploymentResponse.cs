namespace Updraft.Protocol.Api;

/// <summary>A Deployment in the form of <c>/v1alpha1</c>: its settings, its desired state and its live state.</summary>
public sealed record AlphaDeploymentResponse
{
    /// <summary>Id of the Deployment.</summary>
    public required string Id { get; init; }

    /// <summary>Name, unique in the Workspace.</summary>
    public required string Name { get; init; }

    /// <summary>Free text; absent if none was given.</summary>
    public string? Description { get; init; }

    /// <summary>Generated name that is unique in the installation and valid in a path of an image reference.</summary>
    public required string Namespace { get; init; }

    /// <summary>Id of the Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Id of the Workspace.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>Name of the Workspace.</summary>
    public required string WorkspaceName { get; init; }

    /// <summary><c>STANDARD</c>, <c>DEDICATED</c> or <c>HYBRID</c>, as in the request that created the Deployment.</summary>
    public required string Type { get; init; }

    /// <summary><c>DEPLOYING</c>, <c>HEALTHY</c>, <c>UNHEALTHY</c> or <c>HIBERNATING</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Reason of the status, for example the message of a failed agent. Absent if the Deployment is healthy.</summary>
    public string? StatusReason { get; init; }

    /// <summary>Runtime version of the image; empty if it is unknown.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>Airflow version of the image; <c>NA</c> if it is unknown.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>Whether clients can deploy DAGs without an image.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Whether only API tokens can deploy.</summary>
    public required bool IsCicdEnforced { get; init; }

    /// <summary>URL of the Deployment's page in the web UI, without a scheme.</summary>
    public required string WebServerUrl { get; init; }

    /// <summary>Repository for images: registry, Organization and Deployment, without a scheme.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>Tag of the desired image; empty if no image was deployed.</summary>
    public required string ImageTag { get; init; }

    /// <summary>Tag of the desired image; absent if no image was deployed.</summary>
    public string? DesiredImageVersion { get; init; }

    /// <summary>Version of the DAG bundle <c>main</c> that agents report; absent if no agent reports one.</summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>Desired version of the DAG bundle <c>main</c>; absent before its first deploy.</summary>
    public string? DesiredDagTarballVersion { get; init; }

    /// <summary>Hibernation settings; absent if none were set.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>Time of creation, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time of the last change, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of Deployments.</summary>
public sealed record AlphaDeploymentsPaginated
{
    /// <summary>Deployments on this page.</summary>
    public required IReadOnlyList<AlphaDeploymentResponse> Deployments { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching Deployments on all pages.</summary>
    public required int TotalCount { get; init; }
}
