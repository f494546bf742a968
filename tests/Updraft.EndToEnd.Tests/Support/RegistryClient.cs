using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>Sends single requests of the Distribution API, which a complete client such as skopeo cannot send or does not show.</summary>
/// <param name="registry">URL of the registry.</param>
/// <param name="server">URL of the server that issues tokens.</param>
internal sealed class RegistryClient(Uri registry, Uri server) : IDisposable
{
    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromMinutes(5) };

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    public Uri Registry => registry;

    /// <summary>Requests a token. The token contains only the actions that the password may use.</summary>
    public async Task<string> TokenAsync(string password, string scope)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get,
            new Uri(server, $"/registry/token?service=updraft-registry&scope={Uri.EscapeDataString(scope)}"));
        var credential = Convert.ToBase64String(Encoding.UTF8.GetBytes($"cli:{password}"));
        request.Headers.Authorization = new AuthenticationHeaderValue("Basic", credential);
        using var response = await _http.SendAsync(request, Cancelled);
        return JsonNode.Parse(await ReadAsync(response, HttpStatusCode.OK))!.Text("token");
    }

    /// <summary>Sends a request. The caller reads the body of the response as a stream.</summary>
    public async Task<HttpResponseMessage> SendAsync(HttpMethod method, string url, string? token, HttpContent? content = null)
    {
        using var request = new HttpRequestMessage(method, new Uri(registry, url)) { Content = content };
        if (token is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
        return await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, Cancelled);
    }

    /// <summary>
    /// Pushes generated content as docker pushes a layer: start an upload, send one stream of unknown length, end with the digest.
    /// </summary>
    public async Task<string> PushBlobAsync(string repository, long length, string token)
    {
        using var begun = await SendAsync(HttpMethod.Post, $"/v2/{repository}/blobs/uploads/", token);
        await ReadAsync(begun, HttpStatusCode.Accepted);
        using var content = new GeneratedContent(length);
        using var sent = await SendAsync(HttpMethod.Patch, begun.Headers.Location!.OriginalString, token, content);
        await ReadAsync(sent, HttpStatusCode.Accepted);
        var end = $"{sent.Headers.Location!.OriginalString}&digest={Uri.EscapeDataString(content.Digest)}";
        using var ended = await SendAsync(HttpMethod.Put, end, token);
        await ReadAsync(ended, HttpStatusCode.Created);
        Assert.Equal(content.Digest, ended.Headers.GetValues("Docker-Content-Digest").Single());
        return content.Digest;
    }

    /// <summary>Pulls a blob and discards it; returns its length and digest.</summary>
    public async Task<(long Length, string Digest)> PullBlobAsync(string repository, string digest, string token)
    {
        using var response = await SendAsync(HttpMethod.Get, $"/v2/{repository}/blobs/{digest}", token);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        await using var body = await response.Content.ReadAsStreamAsync(Cancelled);
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        var buffer = new byte[1 << 17];
        long length = 0;
        for (int count; (count = await body.ReadAsync(buffer, Cancelled)) > 0; length += count)
            hash.AppendData(buffer, 0, count);
        return (length, "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset()));
    }

    public void Dispose() => _http.Dispose();

    private static async Task<string> ReadAsync(HttpResponseMessage response, HttpStatusCode status)
    {
        var text = await response.Content.ReadAsStringAsync(Cancelled);
        Assert.True(response.StatusCode == status, $"{response.RequestMessage}: {(int)response.StatusCode} {text}");
        return text;
    }

    /// <summary>Content that is generated and hashed while the client sends it.</summary>
    private sealed class GeneratedContent(long length) : HttpContent
    {
        /// <summary>Digest of the sent content.</summary>
        public string Digest { get; private set; } = "";

        protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            var piece = new byte[1 << 20];
            new Random(1).NextBytes(piece);
            for (var rest = length; rest > 0; rest -= piece.Length)
            {
                // Each piece must be different, so that no layer on the way can deduplicate them.
                BitConverter.TryWriteBytes(piece, rest ^ length);
                var count = (int)Math.Min(piece.Length, rest);
                hash.AppendData(piece, 0, count);
                await stream.WriteAsync(piece.AsMemory(0, count));
            }
            Digest = "sha256:" + Convert.ToHexStringLower(hash.GetHashAndReset());
        }

        protected override bool TryComputeLength(out long length)
        {
            length = 0;
            return false;
        }
    }
}
