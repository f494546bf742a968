using System.Text.Json;

namespace Updraft.Server.Api;

/// <summary>
/// Rejects two kinds of JSON that the serializer accepts: unknown keys that occur twice, and texts with U+0000, which PostgreSQL cannot
/// store. If the serializer fails after this check, a value has the wrong type.
/// </summary>
internal static class JsonSyntax
{
    /// <summary>Maximum nesting of a body.</summary>
    private const int MaxDepth = 32;

    /// <exception cref="ApiException">400: the body is not JSON, is nested too deeply, has a key twice, or has a text with
    /// U+0000.</exception>
    public static void Check(ReadOnlySpan<byte> body)
    {
        try
        {
            Walk(body);
        }
        catch (JsonException exception)
        {
            throw new ApiException(RequestErrors.InvalidRequest, "The body is not valid JSON "
                + $"(line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}). Correct the syntax.", exception);
        }
    }

    private static void Walk(ReadOnlySpan<byte> body)
    {
        var keys = new Stack<HashSet<string>>();
        // One level more than allowed, so that the message about too deep nesting comes from here.
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth + 1 });
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray && reader.CurrentDepth >= MaxDepth)
                throw ApiException.BadRequest($"The body is nested deeper than {MaxDepth} levels. Send fewer levels.");
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    keys.Push(new HashSet<string>(StringComparer.Ordinal));
                    break;
                case JsonTokenType.EndObject:
                    keys.Pop();
                    break;
                case JsonTokenType.PropertyName:
                    var key = ReadText(in reader);
                    if (!keys.Peek().Add(key))
                        throw ApiException.BadRequest($"The body has the field '{ApiException.Shorten(key)}' twice. Send it once.");
                    break;
                case JsonTokenType.String:
                    ReadText(in reader);
                    break;
            }
        }
    }

    private static string ReadText(in Utf8JsonReader reader)
    {
        try
        {
            var text = reader.GetString()!;
            return !text.Contains('\0', StringComparison.Ordinal) ? text
                : throw ApiException.BadRequest("A text in the body has the character U+0000, which the server cannot store. Remove it.");
        }
        catch (InvalidOperationException exception)
        {
            throw new ApiException(RequestErrors.InvalidRequest, "A text in the body is not valid Unicode. Send valid UTF-8.", exception);
        }
    }
}
