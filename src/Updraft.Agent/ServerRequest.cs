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
            ?? throw TooLong(maxBytes);
    }

    /// <summary>Reads the body of a response with status 200 in parts, so that it needs no memory for the whole body.</summary>
    /// <returns>Length of the body in bytes.</returns>
    /// <exception cref="HttpRequestException">The response has another status, which the exception contains with the reason.</exception>
    /// <exception cref="InvalidDataException">The body is longer than the limit.</exception>
    public static async Task<long> ReadAsync(HttpResponseMessage response, long maxBytes, BytesReader onRead,
        CancellationToken cancellationToken)
    {
        await EnsureAsync(response, HttpStatusCode.OK, cancellationToken);
        return await ReadBodyAsync(response, maxBytes, onRead, cancellationToken) is >= 0 and var length
            ? length
            : throw TooLong(maxBytes);
    }

    /// <summary>Receives the next bytes of a body. They are valid during the call.</summary>
    public delegate void BytesReader(ReadOnlySpan<byte> bytes);

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
        using var bytes = new MemoryStream();
        return await ReadBodyAsync(response, maxBytes, bytes.Write, cancellationToken) < 0 ? null : bytes.ToArray();
    }

    /// <returns>Length of the body in bytes; -1 if it exceeds the limit.</returns>
    private static async Task<long> ReadBodyAsync(HttpResponseMessage response, long maxBytes, BytesReader onRead,
        CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        var (buffer, length) = (new byte[16 * 1024], 0L);
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if ((length += read) > maxBytes)
                return -1;
            onRead(buffer.AsSpan(0, read));
        }
        return length;
    }

    private static InvalidDataException TooLong(long maxBytes) =>
        new($"The server's response exceeds the limit of {maxBytes} bytes.");

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
