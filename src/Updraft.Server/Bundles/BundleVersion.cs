using Updraft.Protocol;

namespace Updraft.Server.Bundles;

/// <summary>What an upload is for.</summary>
internal enum BundlePurpose
{
    /// <summary>The default DAG bundle.</summary>
    Dags,

    /// <summary>A non-DAG bundle at the deploy's mount path.</summary>
    Bundle,
}

/// <summary>One uploaded, immutable content of a bundle.</summary>
internal sealed class BundleVersion
{
    public required DeploymentId DeploymentId { get; init; }

    /// <summary>UTC time of the upload with 7 fractional digits; unique and increasing within the Deployment.</summary>
    public required string Version { get; init; }

    /// <summary>The deploy through whose address it was uploaded.</summary>
    public required DeployId DeployId { get; init; }

    public required BundlePurpose Purpose { get; init; }

    /// <summary>Identifies the content. The manifest is the blob <c>manifests/DEPLOYMENT/DIGEST</c>.</summary>
    public required Digest ManifestDigest { get; init; }

    /// <summary>The pack with what this version added; null when it added nothing.</summary>
    public string? PackId { get; init; }

    public required int Files { get; init; }

    /// <summary>Sum of the files' sizes.</summary>
    public required long Bytes { get; init; }

    /// <summary>Whether the tree has a top-level folder <c>dags</c>.</summary>
    public required bool HasDagsFolder { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }
}

/// <summary>Where a content of a Deployment stands.</summary>
internal sealed class BundleContent
{
    public required DeploymentId DeploymentId { get; init; }

    public required Digest Content { get; init; }

    public required string PackId { get; init; }

    public required long Offset { get; init; }

    public required long Length { get; init; }
}
