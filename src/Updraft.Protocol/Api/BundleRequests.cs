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

    /// <summary>Whether it holds DAGs. When absent, it does if there is a <c>name</c>.</summary>
    public bool? IsDagBundle { get; init; }

    /// <summary>Name of a DAG bundle: 1 to 32 of <c>a-z</c>, <c>0-9</c>, <c>-</c> and <c>_</c>; <c>main</c> is taken.</summary>
    [StringLength(32, MinimumLength = 1)]
    public string? Name { get; init; }

    /// <summary>Absolute path at which Airflow sees a non-DAG bundle.</summary>
    public string? NonDagMountPath { get; init; }

    /// <summary>What kind of non-DAG bundle it is, e.g. <c>dbt</c>; <c>none</c> by default, at most 64 characters.</summary>
    [StringLength(64)]
    public string? NonDagBundleType { get; init; }

    /// <summary>Ids of the DAG bundles that use a non-DAG bundle; the default DAG bundle when absent.</summary>
    public IReadOnlyList<string>? DagBundleIds { get; init; }

    /// <summary>Free text, at most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>Body of UpdateBundle. What is absent stays.</summary>
public sealed record UpdateBundleRequest
{
    /// <summary>The new description, at most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Ids of the DAG bundles that use a non-DAG bundle from now on, instead of those before; at least one.</summary>
    public IReadOnlyList<string>? DagBundleIds { get; init; }
}

/// <summary>Body of RollbackBundle.</summary>
public sealed record BundleRollbackRequest
{
    /// <summary>A version that the bundle had before, from its list of versions. Required, at most 256 characters.</summary>
    [Required, StringLength(256, MinimumLength = 1)]
    public string? Version { get; init; }

    /// <summary>Description of the deploy that this makes, at most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}
