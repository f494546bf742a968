using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Updraft.Server.Api;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Images;

/// <summary>What a tag was in the registry at a moment.</summary>
internal sealed record ResolvedImage
{
    /// <summary>Repository as clients see it, without a scheme.</summary>
    public required string Repository { get; init; }

    /// <summary>Digest of the manifest, or of the index when there are several platforms.</summary>
    public required string Digest { get; init; }

    /// <summary>Empty when the image does not say.</summary>
    public required string RuntimeVersion { get; init; }

    /// <summary>Empty when the image does not say.</summary>
    public required string AirflowVersion { get; init; }

    /// <summary>Such as <c>linux/amd64</c>, <c>linux/arm/v7</c>.</summary>
    public required IReadOnlyList<string> Architectures { get; init; }

    /// <summary>Manifests that an index consists of.</summary>
    public required IReadOnlyList<string> Parts { get; init; }

    /// <summary>What a machine pulls: layers and config of the platform whose labels were read, in bytes.</summary>
    public required long Bytes { get; init; }

    /// <summary>When the registry was asked.</summary>
    public required DateTimeOffset ReadAt { get; init; }
}

/// <summary>
/// Finds out what a tag is now: its digest, the versions in its labels, its platforms. Of several platforms linux/amd64 is read, else the
/// first one.
/// </summary>
/// <exception cref="ApiException">400: not pushed, or no image that can be run. 503: the registry cannot be asked.</exception>
internal sealed class ResolveImage(RegistryClient registry, TimeProvider clock)
{
    private const string RuntimeLabel = "io.astronomer.docker.runtime.version", AirflowLabel = "io.astronomer.docker.airflow.version";
    private const int MaxParts = 64, MaxName = 32;
    private const long MaxBytes = 1L << 40;

    private static readonly string?[] ConfigTypes = [ImageMediaType.OciConfig, ImageMediaType.DockerConfig];

    /// <param name="place">The repository in the registry.</param>
    /// <param name="repository">The same as clients see it.</param>
    /// <param name="tag">The tag.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<ResolvedImage> RunAsync(RegistryRepository place, string repository, string tag, CancellationToken cancellationToken)
    {
        using var span = Instrumentation.Begin("resolve image")?.SetTag("updraft.image.tag", tag);
        try
        {
            var image = await ResolveAsync(place, repository, tag, cancellationToken);
            ImageMetrics.Count("found");
            return image;
        }
        catch (ApiException exception)
        {
            ImageMetrics.Count(exception.StatusCode < StatusCodes.Status500InternalServerError ? "refused" : "failed");
            throw;
        }
    }

    private async Task<ResolvedImage> ResolveAsync(RegistryRepository place, string repository, string tag, CancellationToken cancellationToken)
    {
        var (image, readAt) = ($"{repository}:{tag}", clock.GetUtcNow());
        var answer = await registry.GetManifestAsync(place, tag, cancellationToken) ?? throw ApiException.BadRequest(
            $"The image {image} is not in the registry, so there is nothing to deploy. Push it, then finalize again: docker push {image}");
        var manifest = Read(answer, image);
        List<RegistryDescriptor> parts = [.. (manifest.Manifests ?? []).OfType<RegistryDescriptor>()];
        List<RegistryPlatform> platforms = [];
        if (manifest.Manifests is not null)
        {
            await CheckPartsAsync(place, image, parts, cancellationToken);
            // Beside the images an index has what was noted down about how they were built, for a platform 'unknown'.
            var images = parts.FindAll(part => part.MediaType is ImageMediaType.OciManifest or ImageMediaType.DockerManifest
                && part.Platform?.Os != "unknown");
            var chosen = images.Find(part => part.Platform is { Os: "linux", Architecture: "amd64" }) ?? images.FirstOrDefault()
                ?? throw Unusable(image, "its index names no image");
            platforms.AddRange(images.Select(part => part.Platform).OfType<RegistryPlatform>());
            manifest = Read(await registry.GetManifestAsync(place, chosen.Digest!, cancellationToken) ?? throw Incomplete(image, chosen.Digest!), image);
        }
        if (manifest is not { Manifests: null, Config: { } config, Layers: { } layers } || !ConfigTypes.Contains(config.MediaType))
            throw Unusable(image, "it is not a container image of OCI's or docker's second format");
        var bytes = layers.Append(config).Sum(part => part is { Size: >= 0 and <= MaxBytes } ? part.Size : throw Unusable(image, "it has a layer without a size"));
        var content = await ReadConfigAsync(place, image, config, cancellationToken);
        if (platforms.Count == 0)
            platforms.Add(new() { Os = content.Os, Architecture = content.Architecture, Variant = content.Variant });
        return new()
        {
            Repository = repository,
            Digest = answer.Digest,
            RuntimeVersion = RuntimeVersion.OfLabel(content.Config?.Labels?.GetValueOrDefault(RuntimeLabel)),
            AirflowVersion = RuntimeVersion.OfLabel(content.Config?.Labels?.GetValueOrDefault(AirflowLabel)),
            Architectures = [.. platforms.Select(Name).OfType<string>().Distinct(StringComparer.Ordinal)],
            Parts = [.. parts.Select(part => part.Digest!).Distinct(StringComparer.Ordinal)],
            Bytes = bytes,
            ReadAt = readAt,
        };
    }

    /// <summary>The manifests that an index consists of, as far as it can be read.</summary>
    public static IEnumerable<string> PartsOf(RegistryResponse answer)
    {
        try
        {
            return [.. (JsonSerializer.Deserialize(answer.Bytes, RegistryJson.Default.RegistryManifest)?.Manifests ?? [])
                .Select(part => part?.Digest).OfType<string>()];
        }
        catch (JsonException)
        {
            return [];
        }
    }

    /// <summary>The registry checked at the push that they are there, but something may have deleted one since.</summary>
    private async Task CheckPartsAsync(RegistryRepository place, string image, List<RegistryDescriptor> parts, CancellationToken cancellationToken)
    {
        if (parts.Count > MaxParts)
            throw Unusable(image, $"its index has more than {MaxParts} entries");
        if (!parts.TrueForAll(part => ImageDigest.IsValid(part.Digest)))
            throw Unusable(image, "its index has an entry without a SHA-256 digest");
        // All at once, so that a slow registry is not waited for as often as there are platforms.
        var found = await Task.WhenAll(parts.Select(part => registry.FindManifestAsync(place, part.Digest!, cancellationToken)));
        if (Array.IndexOf(found, null) is var missing and >= 0)
            throw Incomplete(image, parts[missing].Digest!);
    }

    private async Task<RegistryImageConfig> ReadConfigAsync(RegistryRepository place, string image, RegistryDescriptor config,
        CancellationToken cancellationToken)
    {
        if (!ImageDigest.IsValid(config.Digest))
            throw Unusable(image, "its config has no SHA-256 digest");
        if (config.Size > RegistryClient.MaxConfigBytes)
            throw Unusable(image, $"its config has more than {RegistryClient.MaxConfigBytes} bytes");
        var bytes = await registry.GetConfigAsync(place, config.Digest!, cancellationToken) ?? throw Incomplete(image, config.Digest!);
        return Parse(bytes, RegistryJson.Default.RegistryImageConfig, image);
    }

    /// <summary>One manifest that is an image to one reader and an index to another is neither here.</summary>
    private static RegistryManifest Read(RegistryResponse answer, string image)
    {
        var manifest = Parse(answer.Bytes, RegistryJson.Default.RegistryManifest, image);
        if (manifest.Manifests is not null && (manifest.Config is not null || manifest.Layers is not null))
            throw Unusable(image, "its manifest is an image and an index at once");
        if (manifest.MediaType is { } type && type != answer.MediaType)
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
        ApiException.BadRequest($"The image {image} is incomplete: the registry lacks its {digest}. Push it again, then finalize: docker push {image}");

    private static ApiException Unusable(string image, string why, Exception? cause = null) => new(StatusCodes.Status400BadRequest,
        $"The image {image} cannot be deployed: {why}. Build and push it again.", cause);
}
