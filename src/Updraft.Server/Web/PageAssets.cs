using System.IO.Compression;
using System.Reflection;
using System.Security.Cryptography;
using Microsoft.Net.Http.Headers;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>The stylesheet, scripts and pictures: embedded in the program, at addresses that change with their content.</summary>
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

    // One for all, so that a script finds another one beside it.
    private static readonly string Version = Convert.ToHexStringLower(
        SHA256.HashData([.. All.OrderBy(asset => asset.Key, StringComparer.Ordinal).SelectMany(asset => asset.Value.Content)]).AsSpan(0, 6));

    /// <summary>The address of a file.</summary>
    public string Url(string name) => All.ContainsKey(name) ? links.To($"/assets/{Version}/{name}") : throw new InvalidOperationException($"There is no file {name}.");

    /// <summary>The file of an address.</summary>
    /// <exception cref="ApiException">404: there is none.</exception>
    public static IResult Get(string name, HttpContext context)
    {
        if (!All.TryGetValue(name, out var asset))
            throw ApiException.NotFound("file", name);
        var headers = context.Response.Headers;
        // Whatever version was asked for: during an update a page of one replica may ask another one.
        headers.CacheControl = (string?)context.Request.RouteValues["version"] == Version ? "public, max-age=31536000, immutable" : "no-cache";
        headers.XContentTypeOptions = "nosniff";
        headers.Vary = HeaderNames.AcceptEncoding;
        if (!context.Request.Headers.AcceptEncoding.ToString().Contains("gzip", StringComparison.OrdinalIgnoreCase))
            return TypedResults.Bytes(asset.Content, asset.Type);
        headers.ContentEncoding = "gzip";
        return TypedResults.Bytes(asset.Packed, asset.Type);
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
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(content);
        return new Asset(content, packed.ToArray(), Types[Path.GetExtension(name)]);
    }

    private sealed record Asset(byte[] Content, byte[] Packed, string Type);
}
