using Updraft.Protocol;

namespace Updraft.Server.Images;

/// <summary>Digests as registries write them: <c>sha256:</c> and 64 digits. Other algorithms are not known here.</summary>
internal static class ImageDigest
{
    private const string Prefix = "sha256:";

    /// <summary>The digest of some bytes.</summary>
    public static string Of(ReadOnlySpan<byte> bytes) => Prefix + Digest.Of(bytes);

    /// <summary>Whether it is one.</summary>
    public static bool IsValid(string? text) => text is not null && text.StartsWith(Prefix, StringComparison.Ordinal)
        && Digest.TryParse(text[Prefix.Length..], out _);
}

/// <summary>What registries call the parts of an image.</summary>
internal static class ImageMediaType
{
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json", OciIndex = "application/vnd.oci.image.index.v1+json",
        OciConfig = "application/vnd.oci.image.config.v1+json",
        DockerManifest = "application/vnd.docker.distribution.manifest.v2+json",
        DockerList = "application/vnd.docker.distribution.manifest.list.v2+json",
        DockerConfig = "application/vnd.docker.container.image.v1+json";
}
