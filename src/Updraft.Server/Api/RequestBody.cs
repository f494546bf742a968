using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace Updraft.Server.Api;

/// <summary>Reads JSON request bodies. Its error messages use the terms of the caller, not those of the serializer.</summary>
internal static class RequestBody
{
    /// <summary>Maximum size of a JSON body in bytes: 1 MiB.</summary>
    public const int MaxBytes = 1024 * 1024;

    /// <summary>Reads the body. It ignores unknown keys. An explicit null equals an absent key.</summary>
    /// <exception cref="ApiException">
    /// 415: the content type is not JSON, or the body is encoded. 413: the body is larger than <see cref="MaxBytes"/>. 400: the body is empty or not JSON, has
    /// a key twice, a value of the wrong type, or a text with U+0000.
    /// </exception>
    public static async Task<T> ReadJsonAsync<T>(this HttpRequest request, JsonTypeInfo<T> type, CancellationToken cancellationToken)
        where T : class
    {
        if (!request.HasJsonContentType() && !(request.ContentType is null && request.ContentLength is null or 0))
        {
            throw new ApiException(RequestErrors.UnsupportedMediaType,
                "The content type of the body is not JSON. Send JSON with the header 'Content-Type: application/json'.");
        }
        if (request.Headers.ContentEncoding.ToString() is { Length: > 0 } encoding
            && !encoding.Equals("identity", StringComparison.OrdinalIgnoreCase))
        {
            throw new ApiException(RequestErrors.UnsupportedMediaType,
                $"The body has the content encoding '{ApiException.Shorten(encoding)}', which the server does not decode. Send plain JSON "
                + "without the header 'Content-Encoding'.");
        }
        var body = request.HttpContext.Features.Get<KnownBody>() ?? new KnownBody(await ReadAllAsync(request, cancellationToken));
        request.HttpContext.Features.Set(body);
        return Parse(body.Content, type);
    }

    /// <summary>
    /// The names of the fields that a body has, also those with the value null. Call it after <see cref="ReadJsonAsync"/>. In an update,
    /// a field that the client left out and a field that the client set to null are different.
    /// </summary>
    public static IReadOnlySet<string> ReadFieldNames(this HttpRequest request)
    {
        var body = request.HttpContext.Features.Get<KnownBody>()!;
        using var document = JsonDocument.Parse(body.Content);
        return document.RootElement.EnumerateObject().Select(field => field.Name).ToHashSet(StringComparer.Ordinal);
    }

    private static T Parse<T>(ReadOnlyMemory<byte> body, JsonTypeInfo<T> type)
        where T : class
    {
        if (body.Length == 0)
            throw ApiException.BadRequest("The body is empty. Send a JSON object, at least {}.");
        JsonSyntax.Check(body.Span);
        try
        {
            return JsonSerializer.Deserialize(body.Span, type) ?? throw ApiException.BadRequest("The body is null. Send a JSON object.");
        }
        catch (JsonException exception)
        {
            throw new ApiException(RequestErrors.InvalidRequest, Explain(exception), exception);
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

    /// <summary>The body, kept for a second run of the request, which cannot read it again.</summary>
    private sealed record KnownBody(ReadOnlyMemory<byte> Content);

    private static ApiException TooLarge() =>
        new(RequestErrors.BodyTooLarge, $"The request body exceeds the limit of {MaxBytes} bytes (1 MiB). Send a smaller body.");

    private static string Explain(JsonException exception)
    {
        var field = exception.Path?.TrimStart('$').TrimStart('.');
        if (string.IsNullOrEmpty(field))
            return "The body has the wrong type. Send a JSON object.";
        return $"The field '{ApiException.Shorten(field)}' has a value of the wrong type. Compare it with the API reference.";
    }
}
