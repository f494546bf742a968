using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Web;

namespace Updraft.Server.Tests.Clients;

/// <summary>The upload of the CLI's blob library: its blocks, its headers, its rewritten URL, and its checks of a response.</summary>
internal static class CliUpload
{
    /// <summary>Size in bytes from which an archive is sent in blocks.</summary>
    public const int BlockSize = 1024 * 1024;

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public static async Task<string> RunAsync(string url, byte[] archive, List<string> sent)
    {
        // The URL must be absolute. The library parses its query, and writes it again in another order.
        Assert.StartsWith("http", new Uri(url, UriKind.Absolute).Scheme);
        using var client = new HttpClient();
        if (archive.Length < BlockSize)
            return Version(await SendAsync(client, url, [], archive, "application/octet-stream", "BlockBlob", sent));
        var blocks = archive.Chunk(BlockSize).Select((bytes, index) => (Id: BlockId(index), Bytes: bytes)).ToList();
        foreach (var (id, bytes) in blocks)
            await SendAsync(client, url, [("comp", "block"), ("blockid", id)], bytes, "application/octet-stream", null, sent);
        var list = $"<BlockList>{string.Concat(blocks.Select(block => $"<Latest>{block.Id}</Latest>"))}</BlockList>";
        var body = Encoding.UTF8.GetBytes(list);
        return Version(await SendAsync(client, url, [("comp", "blocklist")], body, "application/xml", null, sent));
    }

    private static async Task<HttpResponseHeaders> SendAsync(
        HttpClient client, string url, (string Key, string Value)[] more, byte[] body,
        string contentType, string? blobType, List<string> sent)
    {
        sent.Add($"PUT {more.FirstOrDefault(pair => pair.Key == "comp").Value ?? "blob"}");
        using var request = new HttpRequestMessage(HttpMethod.Put, WithQuery(url, more)) { Content = new ByteArrayContent(body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue(contentType);
        request.Headers.TryAddWithoutValidation("Accept", "application/xml");
        request.Headers.TryAddWithoutValidation("User-Agent", "azsdk-go-azblob/v1.7.0 (go1.26.0; linux)");
        request.Headers.TryAddWithoutValidation("x-ms-version", "2026-02-06");
        if (blobType is not null)
            request.Headers.TryAddWithoutValidation("x-ms-blob-type", blobType);
        using var response = await client.SendAsync(request, Cancelled);
        Assert.True(response.StatusCode == HttpStatusCode.Created,
            $"{(int)response.StatusCode}: {await response.Content.ReadAsStringAsync(Cancelled)}");
        // With an unreadable time, the library would fail although the upload succeeded.
        AssertTime(response.Headers.NonValidated.TryGetValues("Date", out var date) ? date.ToString() : null);
        AssertTime(response.Content.Headers.NonValidated.TryGetValues("Last-Modified", out var modified) ? modified.ToString() : null);
        Assert.False(response.Content.Headers.Contains("Content-MD5"));
        Assert.True(response.Headers.Contains("x-ms-request-id"));
        return response.Headers;
    }

    private static string Version(HttpResponseHeaders headers)
    {
        var version = Assert.Single(headers.GetValues("x-ms-version-id"));
        Assert.NotEmpty(version);
        return version;
    }

    private static void AssertTime(string? text) => Assert.True(text is null
        || DateTimeOffset.TryParseExact(text, "R", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out _), text);

    private static Uri WithQuery(string url, (string Key, string Value)[] more)
    {
        var uri = new Uri(url);
        var query = HttpUtility.ParseQueryString(uri.Query);
        var pairs = query.AllKeys.Select(key => (Key: key!, Value: query[key]!)).Concat(more)
            .OrderBy(pair => pair.Key, StringComparer.Ordinal);
        return new UriBuilder(uri)
        {
            Query = string.Join('&', pairs.Select(pair => $"{Uri.EscapeDataString(pair.Key)}={Uri.EscapeDataString(pair.Value)}")),
        }.Uri;
    }

    /// <summary>A block id of 64 bytes: a random id, the number of the block, and zeros.</summary>
    private static string BlockId(int index)
    {
        var id = new byte[64];
        Guid.CreateVersion7(DateTimeOffset.UnixEpoch).TryWriteBytes(id);
        BinaryPrimitives.WriteUInt32BigEndian(id.AsSpan(16), (uint)index);
        return Convert.ToBase64String(id);
    }
}
