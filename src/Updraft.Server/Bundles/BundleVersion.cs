using Updraft.Protocol;

namespace Updraft.Server.Bundles;

/// <summary>The bundle that an upload is for.</summary>
internal enum BundlePurpose
{
    /// <summary>The default DAG bundle.</summary>
    Dags,

    /// <summary>The non-DAG bundle at the mount path of the deploy.</summary>
    Bundle,
}

/// <summary>One uploaded state of a bundle. Immutable.</summary>
internal sealed class BundleVersion
{
    public required DeploymentId DeploymentId { get; init; }

    /// <summary>UTC time of the upload with 7 fractional digits. Unique and increasing in the Deployment.</summary>
    public required string Version { get; init; }

    /// <summary>The deploy that the upload belongs to.</summary>
    public required DeployId DeployId { get; init; }

    public required BundlePurpose Purpose { get; init; }

    /// <summary>Digest of the manifest, which is the blob <c>manifests/DEPLOYMENT/DIGEST</c>.</summary>
    public required Digest ManifestDigest { get; init; }

    /// <summary>The pack with the contents that this version added; null if it added none.</summary>
    public string? PackId { get; init; }

    public required int Files { get; init; }

    /// <summary>Sum of the file sizes, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Whether the tree has a top-level directory <c>dags</c>.</summary>
    public required bool HasDagsFolder { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Facts about the archive that can surprise its user; null without any.</summary>
    public IReadOnlyList<UploadWarning>? Warnings { get; init; }
}

/// <summary>The location of one content of a Deployment: a range of a pack.</summary>
internal sealed class BundleContent
{
    public required DeploymentId DeploymentId { get; init; }

    public required Digest Content { get; init; }

    public required string PackId { get; init; }

    public required long Offset { get; init; }

    public required long Length { get; init; }
}
