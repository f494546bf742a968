using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.Server.Tests.Images;

/// <summary>An image in the parts of a registry: config, one layer, manifest. Each image is different.</summary>
internal sealed class TestImage
{
    public const string ManifestType = "application/vnd.oci.image.manifest.v1+json", IndexType = "application/vnd.oci.image.index.v1+json";

    /// <param name="runtime">Label of the runtime; no label if null.</param>
    /// <param name="airflow">Label of Airflow; no label if null.</param>
    /// <param name="architecture">E.g. <c>arm64</c>.</param>
    /// <param name="configType">Media type of the config.</param>
    /// <param name="manifestType">Media type of the manifest.</param>
    public TestImage(string? runtime = null, string? airflow = null, string architecture = "amd64",
        string configType = "application/vnd.oci.image.config.v1+json", string manifestType = ManifestType)
    {
        (Architecture, MediaType) = (architecture, manifestType);
        Layer = RandomNumberGenerator.GetBytes(100);
        var labels = new JsonObject();
        if (runtime is not null)
            labels["io.astronomer.docker.runtime.version"] = runtime;
        if (airflow is not null)
            labels["io.astronomer.docker.airflow.version"] = airflow;
        Config = Bytes(new JsonObject
        {
            ["architecture"] = architecture,
            ["os"] = "linux",
            ["config"] = new JsonObject { ["Labels"] = labels },
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(DigestOf(Layer)) },
        });
        Manifest = Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = manifestType,
            ["config"] = Descriptor(configType, Config),
            ["layers"] = new JsonArray(Descriptor("application/vnd.oci.image.layer.v1.tar+gzip", Layer)),
        });
    }

    public string Architecture { get; }

    /// <summary>Digest of the manifest.</summary>
    public string MediaType { get; }

    public byte[] Layer { get; }

    public byte[] Config { get; }

    public byte[] Manifest { get; }

    public string Digest => DigestOf(Manifest);

    /// <summary>An index like that of docker buildx: an image for each platform, and an attestation of the first one.</summary>
    /// <param name="images">The images.</param>
    public static byte[] Index(params TestImage[] images)
    {
        var manifests = new JsonArray();
        foreach (var image in images)
            manifests.Add(WithPlatform(Descriptor(image.MediaType, image.Manifest), "linux", image.Architecture));
        var note = WithPlatform(Descriptor(ManifestType, images[0].Manifest), "unknown", "unknown");
        note["annotations"] = new JsonObject { ["vnd.docker.reference.type"] = "attestation-manifest" };
        manifests.Insert(0, note);
        return Bytes(new JsonObject { ["schemaVersion"] = 2, ["mediaType"] = IndexType, ["manifests"] = manifests });
    }

    public static string DigestOf(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));

    public static byte[] Bytes(JsonNode json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    public static JsonObject Descriptor(string type, byte[] content) =>
        new() { ["mediaType"] = type, ["digest"] = DigestOf(content), ["size"] = content.Length };

    private static JsonObject WithPlatform(JsonObject descriptor, string os, string architecture)
    {
        descriptor["platform"] = new JsonObject { ["os"] = os, ["architecture"] = architecture };
        return descriptor;
    }
}
