using System.Text.Json.Serialization;
using Updraft.Protocol;
using Updraft.Server.Bundles;

namespace Updraft.Server.Rollouts;

/// <summary>One entry of a Deployment's desired-state log: one image and one version of every bundle. Never changed but for <see cref="ActiveAt"/>.</summary>
internal sealed class Revision
{
    public required DeploymentId DeploymentId { get; init; }

    /// <summary>1, 2, 3 … within the Deployment.</summary>
    public required long Number { get; init; }

    /// <summary>The deploy that made it.</summary>
    public required DeployId DeployId { get; init; }

    public required string ImageRepository { get; init; }

    /// <summary>Empty when no image was deployed yet.</summary>
    public required string ImageTag { get; init; }

    /// <summary>What the tag was when it was deployed; null without a registry.</summary>
    public string? ImageDigest { get; init; }

    public required string RuntimeVersion { get; init; }

    public required string AirflowVersion { get; init; }

    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>Every bundle version that is to run.</summary>
    public required IReadOnlyList<RevisionMount> Mounts { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Where in a trace it was made, so that what agents do for it is seen there too; null when nobody traced.</summary>
    public string? TraceParent { get; set; }

    /// <summary>When it first ran on all live agents while it was the newest; null before.</summary>
    public DateTimeOffset? ActiveAt { get; set; }

    /// <summary>The default DAG bundle; null when there is none.</summary>
    public RevisionMount? Dags => MountAt(Bundle.MainPath);

    /// <summary>What is mounted at a path below the agent's root; null for nothing.</summary>
    public RevisionMount? MountAt(string path) => Mounts.FirstOrDefault(mount => mount.Path == path);
}

/// <summary>One bundle version at its place. Immutable.</summary>
public sealed record RevisionMount
{
    /// <summary><see cref="BundleType"/> of DAG bundles; no client can ask for it.</summary>
    public const string DagBundleType = "$dags";

    /// <summary>What the client called the bundle's type, e.g. <c>dbt</c>.</summary>
    public required string BundleType { get; init; }

    /// <summary>Absolute path as Airflow sees it.</summary>
    public required string MountPath { get; init; }

    /// <summary>Path below the agent's root.</summary>
    public required string Path { get; init; }

    public required string Version { get; init; }

    /// <summary>Digest of the manifest, hexadecimal.</summary>
    public required string Manifest { get; init; }

    /// <summary>Folder of the tree that is mounted; null for the whole.</summary>
    public string? Subfolder { get; init; }

    public required int Files { get; init; }

    public required long Bytes { get; init; }

    /// <summary>The deploy that brought this version.</summary>
    public required string DeployId { get; init; }

    [JsonIgnore]
    public bool IsDag => BundleType == DagBundleType;
}
