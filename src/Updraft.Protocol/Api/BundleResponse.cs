using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A bundle of a Deployment. Fields without a value are absent.</summary>
public sealed record BundleResponse
{
    /// <summary>Id of the bundle. If a bundle is created again at the same mount path, it gets the same id.</summary>
    public required string Id { get; init; }

    /// <summary>Always <c>DEPLOY</c>: deploys deliver the content of the bundle.</summary>
    [AllowedValues("DEPLOY")]
    public required string Type { get; init; }

    /// <summary>Whether the bundle holds DAGs.</summary>
    public required bool IsDagBundle { get; init; }

    /// <summary>Whether it is the DAG bundle <c>main</c>, which cannot be deleted.</summary>
    public required bool IsDefault { get; init; }

    /// <summary>Whether the bundle was deleted but a live agent still mounts it.</summary>
    public required bool DeletionIsPending { get; init; }

    /// <summary>Name of a DAG bundle; absent for a non-DAG bundle.</summary>
    public string? Name { get; init; }

    /// <summary>Free text of the user or client that created the bundle.</summary>
    public string? Description { get; init; }

    /// <summary>Absolute path at which Airflow sees a non-DAG bundle; absent for a DAG bundle.</summary>
    public string? NonDagMountPath { get; init; }

    /// <summary>Kind of a non-DAG bundle, such as <c>dbt</c>; absent for a DAG bundle.</summary>
    public string? NonDagBundleType { get; init; }

    /// <summary>Ids of the DAG bundles that use a non-DAG bundle; absent for a DAG bundle.</summary>
    public IReadOnlyList<string>? DagBundleIds { get; init; }

    /// <summary>Version that agents report; absent if no agent reports one.</summary>
    public string? CurrentVersion { get; init; }

    /// <summary>Version of the newest revision; absent before the first deploy to the bundle.</summary>
    public string? DesiredVersion { get; init; }

    /// <summary>Time of creation or of the first deploy to the bundle, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time of the last change or deploy, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of bundles, oldest first.</summary>
public sealed record BundlesPaginated
{
    /// <summary>Bundles on this page, oldest first.</summary>
    public required IReadOnlyList<BundleResponse> Bundles { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching bundles on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>An entry in a bundle's history: a version, and the deploy that made it the desired one.</summary>
public sealed record BundleVersionResponse
{
    /// <summary>Version of the bundle, which is the time of its upload in UTC.</summary>
    public required string Version { get; init; }

    /// <summary>Id of the deploy that made the version the desired one.</summary>
    public required string DeployId { get; init; }

    /// <summary>Whether this entry is the newest and its version is still the desired one.</summary>
    public required bool IsDesired { get; init; }

    /// <summary>Id of the earlier deploy, if a rollback created the entry; absent otherwise.</summary>
    public string? RollbackFromId { get; init; }

    /// <summary>Description of the deploy; absent if it has none.</summary>
    public string? Description { get; init; }

    /// <summary>Time at which the version became the desired one, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>User or token that created the deploy.</summary>
    public required SubjectProfileResponse CreatedBySubject { get; init; }
}

/// <summary>A page of a bundle's history, newest first.</summary>
public sealed record BundleVersionsPaginated
{
    /// <summary>Entries on this page, newest first.</summary>
    public required IReadOnlyList<BundleVersionResponse> Versions { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of entries in the history on all pages.</summary>
    public required int TotalCount { get; init; }
}
