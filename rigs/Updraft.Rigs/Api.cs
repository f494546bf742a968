using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Updraft.Rigs;

internal enum Outcome
{
    /// <summary>The server said that it is done.</summary>
    Acknowledged,

    /// <summary>The server said that it is not done.</summary>
    Refused,

    /// <summary>No answer: done or not.</summary>
    Unknown,
}

/// <summary>What became of a request.</summary>
/// <param name="Server">Which server was asked.</param>
internal sealed record Answer(Outcome Outcome, int Status, JsonNode? Body, string Text, Uri Server, string? Version = null);

/// <summary>The public API as a client sees it. A broken connection is an outcome here, not an error.</summary>
/// <param name="choose">The server for one request, as a proxy would choose it.</param>
/// <param name="token">Whose token.</param>
internal sealed class Api(Func<Uri> choose, string token) : IDisposable
{
    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false }) { Timeout = TimeSpan.FromSeconds(30) };

    public Api(Uri address, string token) : this(() => address, token)
    {
    }

    /// <summary>What was acknowledged, in order: method, path and query.</summary>
    public List<string> Journal { get; } = [];

    public Task<Answer> GetAsync(string path) => SendAsync(new(HttpMethod.Get, new Uri(choose(), path)), token);

    public Task<Answer> PostAsync(string path, JsonObject body) => PostAsync(path, body.ToJsonString(), token);

    public Task<Answer> PostAsync(string path, string body, string bearer) => SendAsync(new(HttpMethod.Post, new Uri(choose(), path))
    {
        Content = new StringContent(body, Encoding.UTF8, "application/json"),
    }, bearer);

    public Task<Answer> PutAsync(string uploadAddress, HttpContent content)
    {
        var request = new HttpRequestMessage(HttpMethod.Put, new Uri(choose(), new Uri(uploadAddress).PathAndQuery)) { Content = content };
        request.Headers.Add("x-ms-blob-type", "BlockBlob");
        return SendAsync(request, null);
    }

    /// <summary>A GET that must work; bytes.</summary>
    public async Task<byte[]> ReadAsync(string path, string bearer)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(choose(), path));
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bearer);
        using var response = await _http.SendAsync(request);
        var bytes = await response.Content.ReadAsByteArrayAsync();
        ViolationException.Require(response.IsSuccessStatusCode, "I2", $"{path} answers {(int)response.StatusCode} {Encoding.UTF8.GetString(bytes)}");
        return bytes;
    }

    /// <summary>An answer that must be an acknowledgement.</summary>
    public static JsonNode Must(Answer answer, string what)
    {
        ViolationException.Require(answer.Outcome == Outcome.Acknowledged, "I9", $"{what}: {answer.Status} {answer.Text}");
        return answer.Body!;
    }

    public void Dispose() => _http.Dispose();

    private async Task<Answer> SendAsync(HttpRequestMessage request, string? bearer)
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
                return new(Outcome.Acknowledged, (int)response.StatusCode, text.Length > 0 && text[0] == '{' ? JsonNode.Parse(text) : null, text, server, version);
            }
            CheckShape(request, (int)response.StatusCode, text);
            return new(Outcome.Refused, (int)response.StatusCode, null, text, server);
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
            if (body.Count == 3 && body["message"] is not null && body["requestId"] is not null && body["statusCode"]!.GetValue<int>() == status)
                return;
        }
        catch (Exception exception) when (exception is JsonException or InvalidOperationException or NullReferenceException)
        {
            // Said below.
        }
        if (!(status == 503 && text.Length == 0))
            throw new ViolationException("I9", $"{request.Method} {request.RequestUri}: {status} with the body '{text}'");
    }
}
