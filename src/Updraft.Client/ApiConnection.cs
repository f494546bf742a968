using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Updraft.Protocol.Api;

namespace Updraft.Client;

/// <summary>
/// Sends API requests and reads responses. It retries no request, because a repeated POST would create a second object.
/// </summary>
internal sealed class ApiConnection(HttpClient http, Uri server, string token)
{
    private const string Prefix = "/v1", RequestIdHeader = "x-request-id";
    private const int RowsPerPage = 100, MaxErrorBytes = 64 * 1024;

    private readonly string _baseUrl = server.AbsoluteUri.TrimEnd('/') + Prefix;
    private readonly AuthenticationHeaderValue _authorization = new("Bearer", token);

    /// <summary>Escapes an id for a path.</summary>
    /// <exception cref="ArgumentException">The id is null or empty.</exception>
    public static string Id(string id) => string.IsNullOrEmpty(id)
        ? throw new ArgumentException("An id must not be empty.", nameof(id))
        : Uri.EscapeDataString(id);

    public Task<T> GetAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Get, path, content: null, type, cancellationToken);

    public async Task<T> PostAsync<TBody, T>(string path, TBody body, JsonTypeInfo<TBody> bodyType, JsonTypeInfo<T> type,
        CancellationToken cancellationToken)
    {
        using var content = JsonContent.Create(body, bodyType);
        return await SendAsync(HttpMethod.Post, path, content, type, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Sends a POST without a body.</summary>
    public Task<T> PostAsync<T>(string path, JsonTypeInfo<T> type, CancellationToken cancellationToken) =>
        SendAsync(HttpMethod.Post, path, content: null, type, cancellationToken);

    public async Task DeleteAsync(string path, CancellationToken cancellationToken)
    {
        using var request = Create(HttpMethod.Delete, path);
        using var response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        await EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Reads all rows of a list. It requests each page when the caller reaches it.</summary>
    public async IAsyncEnumerable<T> ListAsync<TPage, T>(string path, JsonTypeInfo<TPage> type, Func<TPage, IReadOnlyList<T>> rows,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var offset = 0;
        while (true)
        {
            var page = rows(await GetAsync($"{path}?offset={offset}&limit={RowsPerPage}", type, cancellationToken).ConfigureAwait(false));
            foreach (var row in page)
                yield return row;
            if (page.Count < RowsPerPage)
                yield break;
            offset += page.Count;
        }
    }

    /// <summary>Throws the server's error message unless the request succeeded.</summary>
    /// <exception cref="UpdraftException">The status is not 2xx.</exception>
    public static async Task EnsureSuccessAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.IsSuccessStatusCode)
            return;
        var status = (int)response.StatusCode;
        var requestId = response.Headers.TryGetValues(RequestIdHeader, out var values) ? values.FirstOrDefault() : null;
        var error = await ReadErrorAsync(response, cancellationToken).ConfigureAwait(false);
        throw new UpdraftException(status, error?.Message ?? $"The server responded with status {status} {response.ReasonPhrase}.",
            error?.RequestId ?? requestId);
    }

    private async Task<T> SendAsync<T>(HttpMethod method, string path, HttpContent? content, JsonTypeInfo<T> type,
        CancellationToken cancellationToken)
    {
        using var request = Create(method, path);
        request.Content = content;
        using var response = await http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellationToken)
            .ConfigureAwait(false);
        await EnsureSuccessAsync(response, cancellationToken).ConfigureAwait(false);
        return await response.Content.ReadFromJsonAsync(type, cancellationToken).ConfigureAwait(false)
            ?? throw new JsonException($"The server's response to {method} {path} is null. It must be a JSON object.");
    }

    private HttpRequestMessage Create(HttpMethod method, string path)
    {
        var request = new HttpRequestMessage(method, _baseUrl + path);
        request.Headers.Authorization = _authorization;
        return request;
    }

    private static async Task<ErrorResponse?> ReadErrorAsync(HttpResponseMessage response, CancellationToken cancellationToken)
    {
        if (response.Content.Headers.ContentType?.MediaType != "application/json" || response.Content.Headers.ContentLength > MaxErrorBytes)
            return null;
        try
        {
            return await response.Content.ReadFromJsonAsync(ApiJson.Default.ErrorResponse, cancellationToken).ConfigureAwait(false);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
