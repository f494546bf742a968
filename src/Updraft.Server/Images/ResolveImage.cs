using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Updraft.Server.Api;
using Updraft.Server.Deployments;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Images;

/// <summary>The image that a tag named at one time.</summary>
internal sealed record ResolvedImage
{
    /// <summary>Repository as clients name it, without a scheme.</summary>
    public required string Repository { get; init; }

    /// <summary>Digest of the manifest, or of the index of several platforms.</summary>
    public required string Digest { get; init; }

    /// <summary>Empty if the image has no such label.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>Empty if the image has no such label.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>E.g. <c>linux/amd64</c>, <c>linux/arm/v7</c>.</summary>
    public required IReadOnlyList<string> Architectures { get; init; }

    /// <summary>Digests of the manifests in an index; empty if the image is not an index.</summary>
    public required IReadOnlyList<string> Parts { get; init; }

    /// <summary>Size of a pull in bytes: layers and config of the platform whose labels were read.</summary>
    public required long Bytes { get; init; }

    /// <summary>Time of the request to the registry.</summary>
    public required DateTimeOffset ReadAt { get; init; }
}

/// <summary>
/// Resolves a tag to its digest, its platforms, and the versions in its labels. Of several platforms, it reads the labels of
/// linux/amd64, or else of the first one.
/// </summary>
/// <exception cref="ApiException">
/// 400: the image was not pushed, or cannot be deployed. 503: the registry does not respond, or its response is invalid.
/// </exception>
internal sealed class ResolveImage(RegistryClient registry, TimeProvider clock)
{
    private const string RuntimeLabel = "io.astronomer.docker.runtime.version", AirflowLabel = "io.astronomer.docker.airflow.version";
    private const int MaxParts = 64, MaxName = 32;
    private const long MaxBytes = 1L << 40;

    private static readonly string?[] ConfigTypes = [ImageMediaType.OciConfig, ImageMediaType.DockerConfig];

    /// <param name="repository">The repository in the registry.</param>
    /// <param name="name">Its name as clients use it, with host and port.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="cancellationToken">Cancels the operation.</param>
    public async Task<ResolvedImage> RunAsync(RegistryRepository repository, string name, string tag, CancellationToken cancellationToken)
    {
        using var span = Instrumentation.Begin("resolve image")?.SetTag("updraft.image.tag", tag);
        try
        {
            var image = await ResolveAsync(repository, name, tag, cancellationToken);
            ImageMetrics.Count("found");
            return image;
        }
        catch (ApiException exception)
        {
            ImageMetrics.Count(exception.StatusCode < StatusCodes.Status500InternalServerError ? "refused" : "failed");
            throw;
        }
    }

    private async Task<ResolvedImage> ResolveAsync(RegistryRepository repository, string name, string tag,
        CancellationToken cancellationToken)
    {
        var (image, readAt) = ($"{name}:{tag}", clock.GetUtcNow());
        var response = await registry.GetManifestAsync(repository, tag, cancellationToken) ?? throw new ApiException(ImageErrors.NotPushed,
            $"The image {image} is not in the registry. Push it, then finalize again: docker push {image}");
        var manifest = Read(response, image);
        List<RegistryDescriptor> parts = [.. (manifest.Manifests ?? []).OfType<RegistryDescriptor>()];
        List<RegistryPlatform> platforms = [];
        if (manifest.Manifests is not null)
        {
            await CheckPartsAsync(repository, image, parts, cancellationToken);
            // An index also has attestations of the build, with the platform 'unknown'.
            var images = parts.FindAll(part => part.MediaType is ImageMediaType.OciManifest or ImageMediaType.DockerManifest
                && part.Platform?.Os != "unknown");
            var chosen = images.Find(part => part.Platform is { Os: "linux", Architecture: "amd64" }) ?? images.FirstOrDefault()
                ?? throw Unusable(image, "its index has no image");
            platforms.AddRange(images.Select(part => part.Platform).OfType<RegistryPlatform>());
            manifest = Read(await registry.GetManifestAsync(repository, chosen.Digest!, cancellationToken)
                ?? throw Incomplete(image, chosen.Digest!), image);
        }
        if (manifest is not { Manifests: null, Config: { } config, Layers: { } layers } || !ConfigTypes.Contains(config.MediaType))
            throw Unusable(image, "it is not a container image in the format of OCI or of Docker, schema version 2");
        var bytes = layers.Append(config)
            .Sum(part => part is { Size: >= 0 and <= MaxBytes } ? part.Size : throw Unusable(image, "it has a layer without a size"));
        var content = await ReadConfigAsync(repository, image, config, cancellationToken);
        if (platforms.Count == 0)
            platforms.Add(new() { Os = content.Os, Architecture = content.Architecture, Variant = content.Variant });
        return new()
        {
            Repository = name,
            Digest = response.Digest,
            RuntimeVersion = RuntimeVersion.OfLabel(content.Config?.Labels?.GetValueOrDefault(RuntimeLabel)),
            AirflowVersion = RuntimeVersion.OfLabel(content.Config?.Labels?.GetValueOrDefault(AirflowLabel)),
            Architectures = [.. platforms.Select(Name).OfType<string>().Distinct(StringComparer.Ordinal)],
            Parts = [.. parts.Select(part => part.Digest!).Distinct(StringComparer.Ordinal)],
            Bytes = bytes,
            ReadAt = readAt,
        };
    }

    /// <summary>The digests of the manifests in an index; empty if it cannot be parsed.</summary>
    public static IEnumerable<string> PartsOf(RegistryResponse manifest)
    {
        try
        {
            return [.. (JsonSerializer.Deserialize(manifest.Bytes, RegistryJson.Default.RegistryManifest)?.Manifests ?? [])
                .Select(part => part?.Digest).OfType<string>()];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>Checks that the registry has all parts. It checked that at the push, but a part may have been deleted since then.</summary>
    private async Task CheckPartsAsync(RegistryRepository repository, string image, List<RegistryDescriptor> parts,
        CancellationToken cancellationToken)
    {
        if (parts.Count > MaxParts)
            throw Unusable(image, $"its index has more than {MaxParts} entries");
        if (!parts.TrueForAll(part => ImageDigest.IsValid(part.Digest)))
            throw Unusable(image, "its index has an entry without a SHA-256 digest");
        // All requests at the same time, so that a slow registry costs one wait and not one for each platform.
        var found = await Task.WhenAll(parts.Select(part => registry.FindManifestAsync(repository, part.Digest!, cancellationToken)));
        if (Array.IndexOf(found, null) is var missing and >= 0)
            throw Incomplete(image, parts[missing].Digest!);
    }

    private async Task<RegistryImageConfig> ReadConfigAsync(RegistryRepository repository, string image, RegistryDescriptor config,
        CancellationToken cancellationToken)
    {
        if (!ImageDigest.IsValid(config.Digest))
            throw Unusable(image, "its config has no SHA-256 digest");
        if (config.Size > RegistryClient.MaxConfigBytes)
            throw Unusable(image, $"its config has more than {RegistryClient.MaxConfigBytes} bytes");
        var bytes = await registry.GetConfigAsync(repository, config.Digest!, cancellationToken) ?? throw Incomplete(image, config.Digest!);
        return Parse(bytes, RegistryJson.Default.RegistryImageConfig, image);
    }

    /// <summary>Parses a manifest. It rejects a manifest that one reader can interpret as an image and another one as an index.</summary>
    private static RegistryManifest Read(RegistryResponse response, string image)
    {
        var manifest = Parse(response.Bytes, RegistryJson.Default.RegistryManifest, image);
        if (manifest.Manifests is not null && (manifest.Config is not null || manifest.Layers is not null))
            throw Unusable(image, "its manifest is an image and an index at the same time");
        if (manifest.MediaType is { } type && type != response.MediaType)
            throw Unusable(image, "its manifest has two media types");
        return manifest;
    }

    private static TPart Parse<TPart>(byte[] bytes, JsonTypeInfo<TPart> type, string image)
        where TPart : class
    {
        try
        {
            return JsonSerializer.Deserialize(bytes, type) ?? throw Unusable(image, "a part of it is empty");
        }
        catch (JsonException exception)
        {
            throw Unusable(image, "its manifest or config is malformed", exception);
        }
    }

    private static string? Name(RegistryPlatform platform)
    {
        string?[] parts = [platform.Os, platform.Architecture, platform.Variant];
        return Array.TrueForAll(parts[..2], IsWord) && (string.IsNullOrEmpty(platform.Variant) || IsWord(platform.Variant))
            ? string.Join('/', parts.Where(part => !string.IsNullOrEmpty(part)))
            : null;
    }

    private static bool IsWord(string? text) => text is { Length: > 0 and <= MaxName }
        && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');

    private static ApiException Incomplete(string image, string digest) =>
        new(ImageErrors.Incomplete, $"The image {image} is incomplete: the registry has no {digest}. Push the image again, then finalize: "
            + $"docker push {image}");

    private static ApiException Unusable(string image, string reason, Exception? cause = null) => new(ImageErrors.Unusable,
        $"The image {image} cannot be deployed: {reason}. Build and push it again.", cause);
}
