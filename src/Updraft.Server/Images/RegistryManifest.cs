using System.Text.Json.Serialization;
using Updraft.Protocol;
using Updraft.Protocol.Api;

namespace Updraft.Server.Images;

/// <summary>The repository of a Deployment in the registry.</summary>
internal readonly record struct RegistryRepository(OrganizationId Organization, DeploymentId Deployment)
{
    /// <summary>Name within the registry.</summary>
    public override string ToString() => $"{Organization}/{Deployment}";
}

/// <summary>A manifest from the registry. The digest is computed from the bytes.</summary>
internal sealed record RegistryResponse(string Digest, string? MediaType, byte[] Bytes);

/// <summary>The manifest of an image, or an index of such manifests, in the format of OCI or Docker. Its content is untrusted.</summary>
internal sealed record RegistryManifest
{
    public string? MediaType { get; init; }

    /// <summary>Null for an index.</summary>
    public RegistryDescriptor? Config { get; init; }

    /// <summary>Null for an index.</summary>
    public IReadOnlyList<RegistryDescriptor?>? Layers { get; init; }

    /// <summary>The manifests of an index, one for each platform; null for an image.</summary>
    public IReadOnlyList<RegistryDescriptor?>? Manifests { get; init; }
}

/// <summary>A reference of a manifest to a blob or another manifest.</summary>
internal sealed record RegistryDescriptor
{
    public string? MediaType { get; init; }

    public string? Digest { get; init; }

    /// <summary>Size in bytes, as the manifest states it.</summary>
    public long Size { get; init; }

    public RegistryPlatform? Platform { get; init; }
}

/// <summary>The platform of an image.</summary>
internal sealed record RegistryPlatform
{
    public string? Os { get; init; }

    public string? Architecture { get; init; }

    public string? Variant { get; init; }
}

/// <summary>The part of an image config that Updraft reads.</summary>
internal sealed record RegistryImageConfig
{
    public string? Os { get; init; }

    public string? Architecture { get; init; }

    public string? Variant { get; init; }

    public RegistryContainerConfig? Config { get; init; }
}

/// <summary>The container settings of an image config.</summary>
internal sealed record RegistryContainerConfig
{
    [JsonPropertyName("Labels")]
    public IReadOnlyDictionary<string, string?>? Labels { get; init; }
}

/// <summary>Parses responses of registries. It rejects duplicate names, because readers interpret them differently.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase, MaxDepth = 32, AllowDuplicateProperties = false)]
[JsonSerializable(typeof(RegistryManifest))]
[JsonSerializable(typeof(RegistryImageConfig))]
[JsonSerializable(typeof(RegistryErrors))]
internal sealed partial class RegistryJson : JsonSerializerContext;
