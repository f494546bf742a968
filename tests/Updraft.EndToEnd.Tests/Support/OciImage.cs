using System.Formats.Tar;
using System.IO.Compression;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>A minimal image with one layer and one file, as an OCI image layout.</summary>
internal static class OciImage
{
    /// <summary>Writes the layout to an empty directory.</summary>
    public static void Write(string directory)
    {
        var blobs = Directory.CreateDirectory(Path.Join(directory, "blobs", "sha256")).FullName;
        var layer = Layer();
        var config = Bytes(new JsonObject
        {
            ["architecture"] = "amd64",
            ["os"] = "linux",
            ["config"] = new JsonObject(),
            ["rootfs"] = new JsonObject { ["type"] = "layers", ["diff_ids"] = new JsonArray(Digest(layer)) },
        });
        var packed = Gzip(layer);
        var manifest = Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["mediaType"] = "application/vnd.oci.image.manifest.v1+json",
            ["config"] = Blob("application/vnd.oci.image.config.v1+json", config),
            ["layers"] = new JsonArray(Blob("application/vnd.oci.image.layer.v1.tar+gzip", packed)),
        });
        File.WriteAllText(Path.Join(directory, "oci-layout"), """{"imageLayoutVersion":"1.0.0"}""");
        File.WriteAllBytes(Path.Join(directory, "index.json"), Bytes(new JsonObject
        {
            ["schemaVersion"] = 2,
            ["manifests"] = new JsonArray(Blob("application/vnd.oci.image.manifest.v1+json", manifest)),
        }));

        JsonObject Blob(string type, byte[] content)
        {
            File.WriteAllBytes(Path.Join(blobs, Digest(content)["sha256:".Length..]), content);
            return new JsonObject { ["mediaType"] = type, ["digest"] = Digest(content), ["size"] = content.Length };
        }
    }

    private static byte[] Layer()
    {
        using var stream = new MemoryStream();
        using (var tar = new TarWriter(stream, TarEntryFormat.Ustar, leaveOpen: true))
            tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, "hello") { DataStream = new MemoryStream("hello\n"u8.ToArray()) });
        return stream.ToArray();
    }

    private static byte[] Gzip(byte[] content)
    {
        using var stream = new MemoryStream();
        using (var gzip = new GZipStream(stream, CompressionLevel.Fastest))
            gzip.Write(content);
        return stream.ToArray();
    }

    private static byte[] Bytes(JsonObject json) => Encoding.UTF8.GetBytes(json.ToJsonString());

    private static string Digest(byte[] content) => "sha256:" + Convert.ToHexStringLower(SHA256.HashData(content));
}
