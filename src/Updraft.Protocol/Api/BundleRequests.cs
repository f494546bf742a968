using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateBundle: a DAG bundle with a name, or a non-DAG bundle with a mount path.</summary>
public sealed record CreateBundleRequest
{
    /// <summary><c>DEPLOY</c>, which is the only type and the default.</summary>
    [JsonConverter(typeof(AnyAsTextConverter))]
    [AllowedValues("DEPLOY")]
    public string? Type { get; init; }

    /// <summary>Whether the bundle holds DAGs. Default: true if <c>name</c> is present.</summary>
    public bool? IsDagBundle { get; init; }

    /// <summary>
    /// Name of a DAG bundle: 1 to 32 of <c>a-z</c>, <c>0-9</c>, <c>-</c> and <c>_</c>. The name <c>main</c> is reserved. Required
    /// for a DAG bundle.
    /// </summary>
    [StringLength(32, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Absolute path below Airflow's home at which Airflow sees a non-DAG bundle. Required for a non-DAG bundle.</summary>
    public string? NonDagMountPath { get; init; }

    /// <summary>Kind of a non-DAG bundle, such as <c>dbt</c>: one word of at most 64 characters. Default: <c>none</c>.</summary>
    [StringLength(64)]
    public string? NonDagBundleType { get; init; }

    /// <summary>Ids of the DAG bundles that use a non-DAG bundle. Default: the DAG bundle <c>main</c>.</summary>
    public IReadOnlyList<string>? DagBundleIds { get; init; }

    /// <summary>Free text, at most 500 characters. Default: none.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>Body of UpdateBundle. Absent fields keep their value.</summary>
public sealed record UpdateBundleRequest
{
    /// <summary>New free text, at most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Ids of the DAG bundles that use a non-DAG bundle from now on, at least one. They replace the earlier ones.</summary>
    public IReadOnlyList<string>? DagBundleIds { get; init; }
}

/// <summary>Body of RollbackBundle.</summary>
public sealed record BundleRollbackRequest
{
    /// <summary>Earlier version of the bundle, from its list of versions. Required, at most 256 characters.</summary>
    [Required, StringLength(256, MinimumLength = 1)]
    public string? Version { get; init; }

    /// <summary>Description of the deploy that the rollback creates, at most 500 characters. Default: none.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}
