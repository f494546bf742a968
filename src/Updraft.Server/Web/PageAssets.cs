using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>The stylesheet, scripts and icons: embedded in the program, at URLs that change with their content.</summary>
internal sealed class PageAssets(PageLinks links)
{
    private const string Prefix = "Updraft.Server.Web.Assets.";

    private static readonly Dictionary<string, string> Types = new(StringComparer.Ordinal)
    {
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    private static readonly Dictionary<string, Asset> All = Load();

    // One version for all files, so that a script can import another one by a relative URL.
    private static readonly string Version = Convert.ToHexStringLower(SHA256.HashData(
        [.. All.OrderBy(asset => asset.Key, StringComparer.Ordinal).SelectMany(asset => asset.Value.Content)]).AsSpan(0, 6));

    public string Url(string name) => All.ContainsKey(name) ? links.To($"/assets/{Version}/{name}")
        : throw new InvalidOperationException($"There is no asset {name}.");

    /// <exception cref="ApiException">404: no such file.</exception>
    public static IResult Get(string name, HttpContext context)
    {
        if (!All.TryGetValue(name, out var asset))
            throw ApiException.NotFound("file", name);
        var headers = context.Response.Headers;
        // Any version returns the file: during an upgrade, a page of one replica may load assets from a replica with another version.
        headers.CacheControl = (string?)context.Request.RouteValues["version"] == Version
            ? "public, max-age=31536000, immutable" : "no-cache";
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = HeaderNames.AcceptEncoding;
        if (!context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
            return TypedResults.Bytes(asset.Content, asset.Type);
        headers.ContentEncoding = "gzip";
        return TypedResults.Bytes(asset.Compressed, asset.Type);
    }

    private static Dictionary<string, Asset> Load()
    {
        var assembly = Assembly.GetExecutingAssembly();
        return assembly.GetManifestResourceNames().Where(name => name.StartsWith(Prefix, StringComparison.Ordinal))
            .ToDictionary(name => name[Prefix.Length..], name => Read(assembly, name), StringComparer.Ordinal);
    }

    private static Asset Read(Assembly assembly, string name)
    {
        using var stream = assembly.GetManifestResourceStream(name)!;
        var content = new byte[stream.Length];
        stream.ReadExactly(content);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(content);
        return new Asset(content, compressed.ToArray(), Types[Path.GetExtension(name)]);
    }

    private sealed record Asset(byte[] Content, byte[] Compressed, string Type);
}
