using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Bundles;

/// <summary>
/// A named tree of a Deployment: a DAG bundle with a name, or a non-DAG bundle with a mount path. Its place is its identity: created
/// there again after a deletion, it is the same bundle with the same history. What it holds is said by revisions.
/// </summary>
internal sealed class Bundle
{
    /// <summary>Name of the default DAG bundle, which every Deployment with DAG deploys has.</summary>
    public const string Main = "main";

    /// <summary>Where the default DAG bundle stands below the agent's root.</summary>
    public const string MainPath = "dags";

    /// <summary>The folder below the agent's root that holds the other DAG bundles.</summary>
    public const string Folder = "bundles";

    /// <summary>Most bundles of a Deployment, the default one included; an agent can report no more.</summary>
    public const int Most = 1000;

    public required BundleId Id { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    /// <summary>Place below the agent's root, e.g. <c>dags</c>, <c>bundles/finance</c>, <c>dbt/shop</c>; unique in the Deployment.</summary>
    public required string Path { get; init; }

    /// <summary>The same place as Airflow sees it.</summary>
    public required string MountPath { get; init; }

    /// <summary>Name of a DAG bundle; null for a non-DAG bundle.</summary>
    public string? Name { get; init; }

    /// <summary>What kind of non-DAG bundle it is; null for a DAG bundle.</summary>
    public string? BundleType { get; set; }

    public string? Description { get; set; }

    /// <summary>The DAG bundles that use a non-DAG bundle; empty for a DAG bundle.</summary>
    public IReadOnlyList<string> DagBundleIds { get; set; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    public required SubjectProfile CreatedBy { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    public required SubjectProfile UpdatedBy { get; set; }

    /// <summary>Set while it is deleted.</summary>
    public DateTimeOffset? DeletedAt { get; private set; }

    /// <summary>The revision that removed it; null when it is not deleted, or had nothing to remove.</summary>
    public long? DeletedInRevision { get; private set; }

    public bool IsDag => Name is not null;

    public bool IsDefault => Name == Main;

    /// <summary>Where a DAG bundle stands below the agent's root.</summary>
    public static string PathOf(string? name) => name is null or Main ? MainPath : $"{Folder}/{name}";

    /// <summary>Deletes it.</summary>
    /// <param name="revision">The revision that removes it from agents; null when no agent is told to mount it.</param>
    /// <param name="now">When.</param>
    /// <param name="by">Who.</param>
    public void Delete(long? revision, DateTimeOffset now, SubjectProfile by) =>
        (DeletedAt, DeletedInRevision, UpdatedAt, UpdatedBy) = (now, revision, now, by);

    /// <summary>Something was changed or deployed to it; a deleted bundle is there again.</summary>
    public void Touch(DateTimeOffset now, SubjectProfile by) =>
        (DeletedAt, DeletedInRevision, UpdatedAt, UpdatedBy) = (null, null, now, by);
}

/// <summary>One step of a bundle's history: a revision that names another version of it than the revision before. Never changed.</summary>
internal sealed class BundleMove
{
    public required BundleId BundleId { get; init; }

    public required long Revision { get; init; }

    public required DeploymentId DeploymentId { get; init; }

    public required string Version { get; init; }

    /// <summary>The deploy that made the revision, which for a rollback is not the one that brought the version.</summary>
    public required DeployId DeployId { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}
