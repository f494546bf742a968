using Updraft.Protocol;

namespace Updraft.Server.Images;

/// <summary>Digests of registries: <c>sha256:</c> and 64 hexadecimal digits. Updraft supports no other algorithm.</summary>
internal static class ImageDigest
{
    private const string Prefix = "sha256:";

    public static string Of(ReadOnlySpan<byte> bytes) => Prefix + Digest.Of(bytes);

    public static bool IsValid(string? text) => text is not null && text.StartsWith(Prefix, StringComparison.Ordinal)
        && Digest.TryParse(text[Prefix.Length..], out _);
}

/// <summary>Media types of the parts of an image.</summary>
internal static class ImageMediaType
{
    public const string OciManifest = "application/vnd.oci.image.manifest.v1+json", OciIndex = "application/vnd.oci.image.index.v1+json",
        OciConfig = "application/vnd.oci.image.config.v1+json",
        DockerManifest = "application/vnd.docker.distribution.manifest.v2+json",
        DockerList = "application/vnd.docker.distribution.manifest.list.v2+json",
        DockerConfig = "application/vnd.docker.container.image.v1+json";
}
