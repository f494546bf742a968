using System.Text.Json.Serialization;
using Updraft.Protocol;
using Updraft.Protocol.Api;

namespace Updraft.Server.Images;

/// <summary>A repository in the registry: the one of a Deployment.</summary>
internal readonly record struct RegistryRepository(OrganizationId Organization, DeploymentId Deployment)
{
    /// <summary>Its name within the registry.</summary>
    public override string ToString() => $"{Organization}/{Deployment}";
}

/// <summary>A manifest as the registry gave it out; the digest is that of the bytes.</summary>
internal sealed record RegistryResponse(string Digest, string? MediaType, byte[] Bytes);

/// <summary>An image's manifest, or an index of such: OCI and docker call the parts alike. Nothing in it is to be trusted.</summary>
internal sealed record RegistryManifest
{
    public string? MediaType { get; init; }

    /// <summary>Of an image.</summary>
    public RegistryDescriptor? Config { get; init; }

    /// <summary>Of an image.</summary>
    public IReadOnlyList<RegistryDescriptor?>? Layers { get; init; }

    /// <summary>Of an index: one manifest for each platform.</summary>
    public IReadOnlyList<RegistryDescriptor?>? Manifests { get; init; }
}

/// <summary>Something that a manifest refers to.</summary>
internal sealed record RegistryDescriptor
{
    public string? MediaType { get; init; }

    public string? Digest { get; init; }

    /// <summary>In bytes, as whoever built the image says.</summary>
    public long Size { get; init; }

    public RegistryPlatform? Platform { get; init; }
}

/// <summary>What an image runs on.</summary>
internal sealed record RegistryPlatform
{
    public string? Os { get; init; }

    public string? Architecture { get; init; }

    public string? Variant { get; init; }
}

/// <summary>The part of an image's config that is read here.</summary>
internal sealed record RegistryImageConfig
{
    public string? Os { get; init; }

    public string? Architecture { get; init; }

    public string? Variant { get; init; }

    public RegistryContainerConfig? Config { get; init; }
}

/// <summary>How containers of the image are made.</summary>
internal sealed record RegistryContainerConfig
{
    [JsonPropertyName("Labels")]
    public IReadOnlyDictionary<string, string?>? Labels { get; init; }
}

/// <summary>Reads what registries say. A name that stands twice means one thing to us and another to somebody else, so it is refused.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 32, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RegistryManifest))]
[JsonSerializable(typeof(RegistryImageConfig))]
[JsonSerializable(typeof(RegistryErrors))]
internal sealed partial class RegistryJson : JsonSerializerContext;
