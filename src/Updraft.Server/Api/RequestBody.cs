using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Updraft.Server.Api;

/// <summary>Reads JSON request bodies, with messages written for the caller and not for the C# programmer.</summary>
internal static class RequestBody
{
    /// <summary>Largest JSON body, in bytes: 1 MiB.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Reads the body.</summary>
    /// <exception cref="ApiException">
    /// 415: not JSON by its content type. 413: larger than <see cref="MaxBytes"/>. 400: empty, not JSON, a key twice, a value of the wrong kind.
    /// </exception>
    public static async Task<T> ReadJsonAsync<T>(this HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        if (!request.HasJsonContentType() && !(request.ContentType is null && request.ContentLength is null or 0))
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType, "The body must be JSON: send the header 'Content-Type: application/json'.");
        if (request.ContentLength is 0)
            throw ApiException.BadRequest("The body is empty; send a JSON object, {} at least.");
        try
        {
            return await JsonSerializer.DeserializeAsync(request.Body, type, cancellationToken)
                ?? throw ApiException.BadRequest("The body is null; send a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, Explain(exception), exception);
        }
    }

    private static string Explain(JsonException exception)
    {
        var field = exception.Path?.TrimStart('$').TrimStart('.');
        if (exception.Message.Contains("uplicate", StringComparison.Ordinal))
            return $"The body names the same field twice{(string.IsNullOrEmpty(field) ? "" : $": '{ApiException.Shorten(field)}'")}.";
        if (exception.InnerException is not null || string.IsNullOrEmpty(field))
            return $"The body is not valid JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}).";
        return $"The field '{ApiException.Shorten(field)}' has a value of the wrong kind.";
    }
}
