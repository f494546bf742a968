using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A bundle of a Deployment. What is absent is null and left out.</summary>
public sealed record BundleResponse
{
    /// <summary>Id of the bundle; it stays the same as long as the Deployment exists.</summary>
    public required string Id { get; init; }

    /// <summary>Always <c>DEPLOY</c>: its contents come by deploys.</summary>
    [AllowedValues("DEPLOY")]
    public required string Type { get; init; }

    /// <summary>Whether it holds DAGs.</summary>
    public required bool IsDagBundle { get; init; }

    /// <summary>Whether it is the DAG bundle <c>main</c>.</summary>
    public required bool IsDefault { get; init; }

    /// <summary>Whether it was deleted and an agent still mounts it.</summary>
    public required bool DeletionIsPending { get; init; }

    /// <summary>Name of a DAG bundle.</summary>
    public string? Name { get; init; }

    /// <summary>Free text of whoever made it.</summary>
    public string? Description { get; init; }

    /// <summary>Absolute path at which Airflow sees a non-DAG bundle.</summary>
    public string? NonDagMountPath { get; init; }

    /// <summary>What kind of non-DAG bundle it is, e.g. <c>dbt</c>.</summary>
    public string? NonDagBundleType { get; init; }

    /// <summary>Ids of the DAG bundles that use a non-DAG bundle.</summary>
    public IReadOnlyList<string>? DagBundleIds { get; init; }

    /// <summary>The version that agents report as running; absent when none does.</summary>
    public string? CurrentVersion { get; init; }

    /// <summary>The version that should run; absent before the first deploy to it.</summary>
    public string? DesiredVersion { get; init; }

    /// <summary>When it was created, or first deployed to.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>When it was last changed or deployed to.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of bundles, oldest first.</summary>
public sealed record BundlesPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<BundleResponse> Bundles { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all bundles that match.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>One step of a bundle's history: the version that it moved to, and the deploy that moved it.</summary>
public sealed record BundleVersionResponse
{
    /// <summary>The version.</summary>
    public required string Version { get; init; }

    /// <summary>The deploy that made it the one to run.</summary>
    public required string DeployId { get; init; }

    /// <summary>Whether it is the one to run now.</summary>
    public required bool IsDesired { get; init; }

    /// <summary>The deploy that was rolled back to, if that was the step.</summary>
    public string? RollbackFromId { get; init; }

    /// <summary>Description of the deploy.</summary>
    public string? Description { get; init; }

    /// <summary>When the bundle moved to it.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Who moved it.</summary>
    public required SubjectProfileResponse CreatedBySubject { get; init; }
}

/// <summary>A page of a bundle's history, newest first.</summary>
public sealed record BundleVersionsPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<BundleVersionResponse> Versions { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of all steps.</summary>
    public required int TotalCount { get; init; }
}
