using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Updraft.Server.Api;

/// <summary>Reads JSON request bodies, with messages written for the caller and not for the C# programmer.</summary>
internal static class RequestBody
{
    /// <summary>Largest JSON body, in bytes: 1 MiB.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Reads the body. Unknown keys are ignored; an explicit null is like an absent key.</summary>
    /// <exception cref="ApiException">
    /// 415: not JSON by its content type. 413: larger than <see cref="MaxBytes"/>. 400: empty, not JSON, a key twice, a value of the
    /// wrong kind, a U+0000 in a text (which not every database can keep).
    /// </exception>
    public static async Task<T> ReadJsonAsync<T>(this HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        if (!request.HasJsonContentType() && !(request.ContentType is null && request.ContentLength is null or 0))
            throw new ApiException(StatusCodes.Status415UnsupportedMediaType,
                "The body must be JSON: send the header 'Content-Type: application/json'.");
        var body = request.HttpContext.Features.Get<KnownBody>() ?? new KnownBody(await ReadAllAsync(request, cancellationToken));
        request.HttpContext.Features.Set(body);
        return Parse(body.Content, type);
    }

    private static T Parse<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        if (body.Length == 0)
            throw ApiException.BadRequest("The body is empty; send a JSON object, {} at least.");
        JsonSyntax.Check(body.Span);
        try
        {
            return JsonSerializer.Deserialize(body.Span, type) ?? throw ApiException.BadRequest("The body is null; send a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, Explain(exception), exception);
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAllAsync(HttpRequest request, CancellationToken cancellationToken)
    {
        if (request.ContentLength > MaxBytes)
            throw TooLarge();
        var content = new ArrayBufferWriter<byte>((int)(request.ContentLength ?? 0) + 1);
        while (true)
        {
            var count = await request.Body.ReadAsync(content.GetMemory(4096), cancellationToken);
            if (count == 0)
                return content.WrittenMemory;
            content.Advance(count);
            if (content.WrittenCount > MaxBytes)
                throw TooLarge();
        }
    }

    /// <summary>The body that was read: a request that is run again has none any more.</summary>
    private sealed record KnownBody(ReadOnlyMemory<byte> Content);

    private static ApiException TooLarge() =>
        new(StatusCodes.Status413PayloadTooLarge, $"The body is larger than {MaxBytes} bytes, the most that is taken here.");

    private static string Explain(JsonException exception)
    {
        var field = exception.Path?.TrimStart('$').TrimStart('.');
        if (string.IsNullOrEmpty(field))
            return "The body is not what is expected here; send a JSON object.";
        return $"The field '{ApiException.Shorten(field)}' has a value of the wrong kind.";
    }
}
