namespace Updraft.Protocol.Api;

/// <summary>A Deployment as <c>/v1alpha1</c> shows it: what it is, and what it should run.</summary>
public sealed record AlphaDeploymentResponse
{
    /// <summary>The id.</summary>
    public required string Id { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Absent when none was given.</summary>
    public string? Description { get; init; }

    /// <summary>Unique and legal in a docker path.</summary>
    public required string Namespace { get; init; }

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Workspace.</summary>
    public required string WorkspaceId { get; init; }

    /// <summary>Name of the Workspace.</summary>
    public required string WorkspaceName { get; init; }

    /// <summary><c>STANDARD</c>.</summary>
    public required string Type { get; init; }

    /// <summary>As under <c>/v1</c>.</summary>
    public required string Status { get; init; }

    /// <summary>Why, when there is something to say.</summary>
    public string? StatusReason { get; init; }

    /// <summary>Empty when unknown.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary><c>NA</c> when unknown.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>Whether DAGs can be deployed without an image.</summary>
    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Whether only API tokens may deploy.</summary>
    public required bool IsCicdEnforced { get; init; }

    /// <summary>Address without a scheme.</summary>
    public required string WebServerUrl { get; init; }

    /// <summary>Registry, Organization and Deployment; no scheme.</summary>
    public required string ImageRepository { get; init; }

    /// <summary>Tag of the image that is to run; empty when none was deployed.</summary>
    public required string ImageTag { get; init; }

    /// <summary>The same; absent when none was deployed.</summary>
    public string? DesiredImageVersion { get; init; }

    /// <summary>Version of the DAG bundle <c>main</c> that runs; absent when nobody reports one.</summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>Version of the DAG bundle <c>main</c> that is to run; absent for none.</summary>
    public string? DesiredDagTarballVersion { get; init; }

    /// <summary>As set; absent when never set.</summary>
    public DeploymentScalingSpec? ScalingSpec { get; init; }

    /// <summary>When it was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was changed last.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of Deployments.</summary>
public sealed record AlphaDeploymentsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<AlphaDeploymentResponse> Deployments { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all Deployments that match.</summary>
    public required int TotalCount { get; init; }
}
