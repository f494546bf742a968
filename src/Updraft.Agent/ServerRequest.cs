using System.Diagnostics;
using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;

namespace Updraft.Agent;

/// <summary>Requests to the server, and answers that are read only as far as they may reach.</summary>
internal static class ServerRequest
{
    private const int MaxReason = 300;

    /// <summary>Connections for everything. Only packs may be redirected; the token does not go along.</summary>
    public static HttpClient Connect(bool followRedirects) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = followRedirects,
        MaxAutomaticRedirections = 5,
        AutomaticDecompression = followRedirects ? DecompressionMethods.None : DecompressionMethods.GZip,
        ConnectTimeout = TimeSpan.FromSeconds(15),
        PooledConnectionLifetime = TimeSpan.FromMinutes(15),
        MaxResponseHeadersLength = 32,
        UseCookies = false,
        // The trace of a request is that of the agent's own span, see Create; the one that would be made here nobody exports.
        ActivityHeadersPropagator = null,
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public static HttpRequestMessage Create(HttpMethod method, string path, AgentOptions options)
    {
        var request = new HttpRequestMessage(method, options.Server.AbsoluteUri.TrimEnd('/') + path);
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", options.BearerToken());
        if (Activity.Current is { Id: { } span })
            request.Headers.Add("traceparent", span);
        request.Headers.UserAgent.Add(new ProductInfoHeaderValue("updraft-agent", AgentVersion.Text));
        return request;
    }

    /// <summary>Reads a whole body of a 200.</summary>
    /// <exception cref="HttpRequestException">Another status; carries it and the server's reason.</exception>
    /// <exception cref="InvalidDataException">The body is longer than allowed.</exception>
    public static async Task<byte[]> ReadAsync(HttpResponseMessage response, int most, CancellationToken cancellationToken)
    {
        await EnsureAsync(response, HttpStatusCode.OK, cancellationToken);
        return await ReadBodyAsync(response, most, cancellationToken)
            ?? throw new InvalidDataException($"The server's answer is longer than {most} bytes.");
    }

    /// <exception cref="HttpRequestException">Another status than expected.</exception>
    public static async Task EnsureAsync(HttpResponseMessage response, HttpStatusCode expected, CancellationToken cancellationToken)
    {
        if (response.StatusCode != expected)
        {
            var reason = await ReasonAsync(response, cancellationToken);
            throw new HttpRequestException($"The server answered {(int)response.StatusCode}{reason}", null, response.StatusCode);
        }
    }

    private static async Task<byte[]?> ReadBodyAsync(HttpResponseMessage response, int most, CancellationToken cancellationToken)
    {
        await using var body = await response.Content.ReadAsStreamAsync(cancellationToken);
        using var bytes = new MemoryStream();
        var buffer = new byte[16 * 1024];
        int read;
        while ((read = await body.ReadAsync(buffer, cancellationToken)) > 0)
        {
            if (bytes.Length + read > most)
                return null;
            bytes.Write(buffer, 0, read);
        }
        return bytes.ToArray();
    }

    /// <summary>The message of an error that has the API's form; nothing of any other body.</summary>
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
