using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Updraft.Rigs;

internal enum Outcome
{
    /// <summary>The server acknowledged the request.</summary>
    Acknowledged,

    /// <summary>The server returned an error status.</summary>
    Rejected,

    /// <summary>No response arrived: the request may or may not have taken effect.</summary>
    Unknown,
}

/// <summary>Result of a request.</summary>
/// <param name="Server">URL of the server that received the request.</param>
internal sealed record ApiResponse(Outcome Outcome, int Status, JsonNode? Body, string Text, Uri Server, string? Version = null);

/// <summary>The public API as a client uses it. A broken connection is an outcome here, not an exception.</summary>
/// <param name="choose">Returns the URL of the server for one request, as a proxy would choose it.</param>
/// <param name="token">Token for the requests.</param>
internal sealed class Api(Func<Uri> choose, string token) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(30) };

    public Api(Uri url, string token) : this(() => url, token)
    {
    }

    /// <summary>The acknowledged requests, in order: method, path and query.</summary>
    public List<string> Journal { get; } = [];

    public Task<ApiResponse> GetAsync(string path) => SendAsync(new(HttpMethod.Get, new Uri(choose(), path)), token);

    public Task<ApiResponse> PostAsync(string path, JsonObject body) => PostAsync(path, body.ToJsonString(), token);

    public Task<ApiResponse> PostAsync(string path, string body, string bearer) => SendAsync(new(HttpMethod.Post, new Uri(choose(), path))
    {
        Content = new StringContent(body, Encoding.UTF8, "application/json"),
    }, bearer);

    public Task<ApiResponse> PutAsync(string uploadUrl, HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, new Uri(choose(), new Uri(uploadUrl).PathAndQuery)) { Content = content };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        return SendAsync(request, null);
    }

    /// <summary>Sends a GET that must succeed; returns the body.</summary>
    public async Task<byte[]> ReadAsync(string path, string bearer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(choose(), path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        using var response = await _http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        ViolationException.Require(
            response.IsSuccessStatusCode, "I2", $"{path} returns {(int)response.StatusCode} {Encoding.UTF8.GetString(bytes)}");
        return bytes;
    }

    /// <summary>Requires an acknowledgement; returns the body.</summary>
    public static JsonNode Must(ApiResponse response, string request)
    {
        ViolationException.Require(response.Outcome == Outcome.Acknowledged, "I9", $"{request}: {response.Status} {response.Text}");
        return response.Body!;
    }

    public void Dispose() => _http.Dispose();

    private async Task<ApiResponse> SendAsync(HttpRequestMessage request, string? bearer)
    {
        using var disposed = request;
        var server = new Uri(request.RequestUri!.GetLeftPart(UriPartial.Authority));
        if (bearer is not null)
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        try
        {
            using var response = await _http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            var version = response.Headers.TryGetValues("x-ms-version-id", out var values) ? values.Single() : null;
            if (response.StatusCode is HttpStatusCode.OK or HttpStatusCode.Created)
            {
                lock (Journal)
                    Journal.Add($"{request.Method} {request.RequestUri!.PathAndQuery}");
                var body = text.Length > 0 && text[0] == '{' ? JsonNode.Parse(text) : null;
                return new(Outcome.Acknowledged, (int)response.StatusCode, body, text, server, version);
            }
            CheckShape(request, (int)response.StatusCode, text);
            return new(Outcome.Rejected, (int)response.StatusCode, null, text, server);
        }
        catch (Exception exception) when (exception is HttpRequestException or IOException or TaskCanceledException)
        {
            return new(Outcome.Unknown, 0, null, exception.Message, server);
        }
    }

    private static void CheckShape(HttpRequestMessage request, int status, string text)
    {
        try
        {
            var body = JsonNode.Parse(text)!.AsObject();
            if (body.Count == 3 && body["message"] is not null && body["requestId"] is not null
                && body["statusCode"]!.GetValue<int>() == status)
                return;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NullReferenceException)
        {
            // The check below reports the body.
        }
        if (!(status == 503 && text.Length == 0))
            throw new ViolationException("I9", $"{request.Method} {request.RequestUri}: {status} with the body '{text}'");
    }
}
