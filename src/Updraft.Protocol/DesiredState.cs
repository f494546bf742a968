using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Updraft.Protocol;

/// <summary>Phase that the agents of a Deployment must reach.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StatePhase>))]
public enum StatePhase
{
    /// <summary>Download, verify and check the trees, without a change that Airflow sees.</summary>
    [JsonStringEnumMemberName("PREPARE")]
    Prepare,

    /// <summary>Make the prepared trees visible to Airflow.</summary>
    [JsonStringEnumMemberName("ACTIVATE")]
    Activate,
}

/// <summary>An image that a revision names.</summary>
/// <param name="Repository">Registry host and path, without scheme.</param>
/// <param name="Tag">Tag to which the client pushed the image.</param>
/// <param name="Digest">Pinned digest of the tag; null without a registry.</param>
public sealed record ImageReference(string Repository, string Tag, string? Digest = null)
{
    /// <summary>Whether both references name one image: equal digests, or without digests equal tags.</summary>
    public bool IsSameAs(ImageReference? other) =>
        other is not null && Repository == other.Repository && Digest == other.Digest && (Digest is not null || Tag == other.Tag);

    /// <summary>Reference for container tools: with the digest if there is one, otherwise with the tag.</summary>
    public override string ToString() => Digest is null ? $"{Repository}:{Tag}" : $"{Repository}@{Digest}";
}

/// <summary>A bundle version and its mount path.</summary>
public sealed record DesiredMount
{
    /// <summary>Mount path below the agent's root, such as <c>dags</c> or <c>dbt/shop</c>; a <see cref="BundlePath"/>.</summary>
    public required string Path { get; init; }

    /// <summary>Bundle version, which is the UTC time of its upload.</summary>
    public required string Version { get; init; }

    /// <summary>Digest of the version's manifest: 64 hexadecimal digits.</summary>
    public required string Manifest { get; init; }

    /// <summary>Directory of the tree to mount; null for the whole tree.</summary>
    public string? Subfolder { get; init; }

    /// <summary>Number of files in the tree. An agent rejects a manifest with another number.</summary>
    public required int Files { get; init; }

    /// <summary>Sum of the files' sizes in bytes. An agent rejects a manifest with another sum.</summary>
    public required long Bytes { get; init; }
}

/// <summary>
/// Desired state of a Deployment: one revision, with a digest for each manifest and image. The server sends it as a
/// <see cref="SignedDocument"/> of type <see cref="DocumentType"/>. Format: docs/formats/desired-state.md.
/// </summary>
public sealed record DesiredState
{
    /// <summary>Document type in the header of the signature.</summary>
    public const string DocumentType = "updraft-state";

    public required string OrganizationId { get; init; }

    /// <summary>Id of the Deployment. An agent rejects the document of another Deployment.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>Epoch, which an operator raises after the restore of a backup. A higher epoch allows a lower revision.</summary>
    public required long Epoch { get; init; }

    /// <summary>
    /// Number of the revision; 0 before the first deploy. In one epoch, an agent rejects a lower revision than its own.
    /// </summary>
    public required long Revision { get; init; }

    /// <summary>Phase that the agents must reach with the revision now.</summary>
    public required StatePhase Phase { get; init; }

    /// <summary>Id of the deploy that created the revision; null for revision 0.</summary>
    public string? DeployId { get; init; }

    /// <summary>Desired image; null if no image was deployed.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>All bundles of the revision. An agent removes mounts that are missing here.</summary>
    public required IReadOnlyList<DesiredMount> Mounts { get; init; }

    /// <summary>Time of the signature.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>Time until which an agent accepts the document. Mounted files stay after that time.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Serializes and signs the document.</summary>
    /// <param name="key">P-256 private key.</param>
    /// <param name="keyId">The <see cref="PublicKey.KeyId"/> of the key.</param>
    public string Sign(ECDsa key, string keyId) =>
        SignedDocument.Sign(JsonSerializer.SerializeToUtf8Bytes(this, AgentJson.Default.DesiredState), DocumentType, key, keyId);

    /// <summary>Verifies the signature and reads the document. The caller must verify the revision and the freshness.</summary>
    /// <exception cref="InvalidDataException">The key did not sign the document, or it is not a state document.</exception>
    public static DesiredState Verify(string document, PublicKey key)
    {
        var payload = SignedDocument.Verify(document, DocumentType, key);
        try
        {
            return JsonSerializer.Deserialize(payload, AgentJson.Default.DesiredState)
                ?? throw new InvalidDataException("The state document is null. It must be a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException("The state document is not valid JSON for a desired state: " + exception.Message, exception);
        }
    }
}
