using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Updraft.Agent;

/// <summary>Creates requests to the server, and reads responses up to a limit.</summary>
internal static class ServerRequest
{
    private const int MaxReason = 300;

    /// <summary>Creates an HTTP client. Only pack requests follow redirects, and they do not send the token to the target.</summary>
    public static HttpClient Connect(bool followRedirects) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = followRedirects,
        MaxAutomaticRedirections = 5,
        AutomaticDecompression = followRedirects ? DecompressionMethods.None : DecompressionMethods.GZip,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(15),
        MaxResponseHeadersLength = 32,
        UseCookies = false,
        // Create adds the trace of the agent's own span. The handler would add a span that is never exported.
        ActivityHeadersPropagator = null,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public static HttpRequestMessage Create(HttpMethod method, string path, AgentOptions options)
    {
        var request = new HttpRequestMessage(method, options.Server.AbsoluteUri.TrimEnd('/') + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.ReadToken());
        if (Activity.Current is { Id: { } span })
            request.Headers.Add("traceparent", span);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("updraft-agent", AgentVersion.Text));
        return request;
    }

    /// <summary>Reads the complete body of a response with status 200.</summary>
    /// <exception cref="HttpRequestException">The response has another status, which the exception contains with the reason.</exception>
    /// <exception cref="InvalidDataException">The body is longer than the limit.</exception>
    public static async Task<byte[]> ReadAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        await EnsureAsync(response, HttpStatusCode.OK, cancellationToken);
        return await ReadBodyAsync(response, maxBytes, cancellationToken)
            ?? throw new InvalidDataException($"The server's response exceeds the limit of {maxBytes} bytes.");
    }

    /// <summary>Throws unless the response has the expected status.</summary>
    /// <exception cref="HttpRequestException">The response has another status, which the exception contains with the reason.</exception>
    public static async Task EnsureAsync(HttpResponseMessage response, HttpStatusCode expected, CancellationToken cancellationToken)
    {
        if (response.StatusCode != expected)
        {
            var reason = await ReasonAsync(response, cancellationToken);
            throw new HttpRequestException($"The server responded with status {(int)response.StatusCode}{reason}", null,
                response.StatusCode);
        }
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, int maxBytes, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var bytes = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (bytes.Length + read > maxBytes)
                return null;
            bytes.Write(buffer, 0, read);
        }
        return bytes.ToArray();
    }

    /// <summary>Message of an error in the form of the API, as the end of a sentence; a period for any other body.</summary>
    private static async Task<string> ReasonAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/json"
            || await ReadBodyAsync(response, 16 * 1024, cancellationToken) is not { } body)
            return ".";
        try
        {
            using var json = JsonDocument.Parse(body);
            return json.RootElement.ValueKind == JsonValueKind.Object && json.RootElement.TryGetProperty("message", out var message)
                && message.ValueKind == JsonValueKind.String && message.GetString() is { } text
                ? ": " + text[..Math.Min(text.Length, MaxReason)]
                : ".";
        }
        catch (JsonException)
        {
            return ".";
        }
    }
}
