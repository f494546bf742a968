using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Bundles;

/// <summary>
/// A tree of files of a Deployment: a DAG bundle with a name, or a non-DAG bundle with a mount path. The path identifies the bundle: a
/// bundle that is created again at the path of a deleted one continues its history. Revisions decide which version a bundle has.
/// </summary>
internal sealed class Bundle
{
    /// <summary>Name of the default DAG bundle, which every Deployment with DAG deploys has.</summary>
    public const string Main = "main";

    /// <summary>Path of the default DAG bundle below the agent's root.</summary>
    public const string MainPath = "dags";

    /// <summary>The directory below the agent's root that holds the other DAG bundles.</summary>
    public const string ParentDirectory = "bundles";

    /// <summary>Most bundles of a Deployment, with the default one. An agent cannot report more.</summary>
    public const int MaxCount = 1000;

    public required BundleId Id { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>
    /// Path below the agent's root, e.g. <c>dags</c>, <c>bundles/finance</c> or <c>dbt/shop</c>; unique in the Deployment.
    /// </summary>
    public required string Path { get; init; }

    /// <summary>The path at which Airflow sees the bundle.</summary>
    public required string MountPath { get; init; }

    /// <summary>Name of a DAG bundle; null for a non-DAG bundle.</summary>
    public string? Name { get; init; }

    /// <summary>The kind of a non-DAG bundle, e.g. <c>dbt</c>; null for a DAG bundle.</summary>
    public string? BundleType { get; set; }

    public string? Description { get; set; }

    /// <summary>The DAG bundles that use a non-DAG bundle; empty for a DAG bundle.</summary>
    public IReadOnlyList<string> DagBundleIds { get; set; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    /// <summary>Null unless the bundle is deleted.</summary>
    public DateTimeOffset? DeletedAt { get; private set; }

    /// <summary>The revision that removed the bundle from agents; null if it is not deleted, or if no agent had mounted it.</summary>
    public long? DeletedInRevision { get; private set; }

    public bool IsDag => Name is not null;

    public bool IsDefault => Name == Main;

    /// <summary>Path of a DAG bundle below the agent's root. Null is the name of the default bundle.</summary>
    public static string PathOf(string? name) => name is null or Main ? MainPath : $"{ParentDirectory}/{name}";

    /// <summary>Marks the bundle as deleted.</summary>
    /// <param name="revision">The revision that removes the bundle from agents; null if no revision mounts it.</param>
    /// <param name="now">Time of the deletion.</param>
    /// <param name="by">Subject that deletes the bundle.</param>
    public void Delete(long? revision, DateTimeOffset now, SubjectProfile by) =>
        (DeletedAt, DeletedInRevision, UpdatedAt, UpdatedBy) = (now, revision, now, by);

    /// <summary>Records a change of the bundle or a deploy to it. A deleted bundle is restored.</summary>
    public void Touch(DateTimeOffset now, SubjectProfile by) =>
        (DeletedAt, DeletedInRevision, UpdatedAt, UpdatedBy) = (null, null, now, by);
}

/// <summary>
/// One step of a bundle's history: a revision that names another version of the bundle than the previous revision. Immutable.
/// </summary>
internal sealed class BundleMove
{
    public required BundleId BundleId { get; init; }

    public required long Revision { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    public required string Version { get; init; }

    /// <summary>The deploy that created the revision. For a rollback, another deploy uploaded the version.</summary>
    public required DeployId DeployId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
