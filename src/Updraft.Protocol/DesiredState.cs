using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Updraft.Protocol;

/// <summary>What an agent is to do with a revision.</summary>
[JsonConverter(typeof(JsonStringEnumConverter<StatePhase>))]
public enum StatePhase
{
    /// <summary>Download, verify and check the trees; change nothing that Airflow sees.</summary>
    [JsonStringEnumMemberName("PREPARE")]
    Prepare,

    /// <summary>Make the prepared trees the ones that Airflow sees.</summary>
    [JsonStringEnumMemberName("ACTIVATE")]
    Activate,
}

/// <summary>An image that a revision names.</summary>
/// <param name="Repository">Registry host and path, without scheme.</param>
/// <param name="Tag">Tag that the deploy pushed.</param>
/// <param name="Digest">Digest that the tag was pinned to; null until a registry has resolved it.</param>
public sealed record ImageReference(string Repository, string Tag, string? Digest = null)
{
    /// <summary>Whether the same image is meant: the same digest, whatever its tag; without digests, the same tag.</summary>
    public bool IsSameAs(ImageReference? other) =>
        other is not null && Repository == other.Repository && Digest == other.Digest && (Digest is not null || Tag == other.Tag);

    /// <summary>The reference as programs take it: by digest when there is one, else by tag.</summary>
    public override string ToString() => Digest is null ? $"{Repository}:{Tag}" : $"{Repository}@{Digest}";
}

/// <summary>One bundle version at its place.</summary>
public sealed record DesiredMount
{
    /// <summary>Place below the agent's root, e.g. <c>dags</c> or <c>dbt/shop</c>; a <see cref="BundlePath"/>.</summary>
    public required string Path { get; init; }

    /// <summary>The bundle version: the UTC time of its upload.</summary>
    public required string Version { get; init; }

    /// <summary>Digest of the version's manifest, 64 hexadecimal digits.</summary>
    public required string Manifest { get; init; }

    /// <summary>Folder of the tree that is mounted; null for the whole tree.</summary>
    public string? Subfolder { get; init; }

    /// <summary>Number of files in the tree. An agent stops reading a manifest that has more.</summary>
    public required int Files { get; init; }

    /// <summary>Sum of the files' sizes in bytes. An agent stops downloading past it.</summary>
    public required long Bytes { get; init; }
}

/// <summary>
/// What a Deployment's agents must make true: one revision, everything in it named by digest. Travels as a
/// <see cref="SignedDocument"/> of type <see cref="DocumentType"/>. Format: docs/formats/desired-state.md.
/// </summary>
public sealed record DesiredState
{
    /// <summary>Type in the signature's header.</summary>
    public const string DocumentType = "updraft-state";

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>The Deployment. An agent refuses a document for another one.</summary>
    public required string DeploymentId { get; init; }

    /// <summary>Grows only when an operator restores an old backup; a higher epoch allows a lower revision.</summary>
    public required long Epoch { get; init; }

    /// <summary>Number of the revision; 0 before the first deploy. Within an epoch an agent never goes back.</summary>
    public required long Revision { get; init; }

    /// <summary>What to do with the revision now.</summary>
    public required StatePhase Phase { get; init; }

    /// <summary>The deploy that made the revision; null for revision 0.</summary>
    public string? DeployId { get; init; }

    /// <summary>The image to run; null when none was deployed.</summary>
    public ImageReference? Image { get; init; }

    /// <summary>Every bundle of the revision. A mount that is missing here is removed.</summary>
    public required IReadOnlyList<DesiredMount> Mounts { get; init; }

    /// <summary>When the document was signed.</summary>
    public required DateTimeOffset IssuedAt { get; init; }

    /// <summary>Until when it may be taken for news. What already runs goes on running.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>Signs the document.</summary>
    public string Sign(ECDsa key, string keyId) =>
        SignedDocument.Sign(JsonSerializer.SerializeToUtf8Bytes(this, AgentJson.Default.DesiredState), DocumentType, key, keyId);

    /// <summary>Checks the signature and reads the document. Whether it is news is the agent's to decide.</summary>
    /// <exception cref="InvalidDataException">Not signed by the key, or not a state document.</exception>
    public static DesiredState Verify(string document, PublicKey key)
    {
        var payload = SignedDocument.Verify(document, DocumentType, key);
        try
        {
            return JsonSerializer.Deserialize(payload, AgentJson.Default.DesiredState)
                ?? throw new InvalidDataException("The state document is null.");
        }
        catch (JsonException exception)
        {
            throw new InvalidDataException("The state document lacks something: " + exception.Message, exception);
        }
    }
}
