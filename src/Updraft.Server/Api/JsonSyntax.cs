using System.Text.Json;

namespace Updraft.Server.Api;

/// <summary>
/// Checks what the serializer lets through: keys given twice that it does not know, and texts with U+0000, which not every database can
/// keep. Whatever passes here and fails later is a value of the wrong kind.
/// </summary>
internal static class JsonSyntax
{
    /// <summary>Deepest nesting of a body.</summary>
    private const int MaxDepth = 32;

    /// <exception cref="ApiException">400: not JSON, nested too deeply, a key twice, a text that cannot be stored.</exception>
    public static void Check(ReadOnlySpan<byte> body)
    {
        try
        {
            Walk(body);
        }
        catch (JsonException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest,
                $"The body is not valid JSON (line {exception.LineNumber + 1}, byte {exception.BytePositionInLine + 1}).", exception);
        }
    }

    private static void Walk(ReadOnlySpan<byte> body)
    {
        var keys = new Stack<HashSet<string>>();
        var reader = new Utf8JsonReader(body, new JsonReaderOptions { MaxDepth = MaxDepth });
        while (reader.Read())
        {
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
                        throw ApiException.BadRequest($"The body names the field '{ApiException.Shorten(key)}' twice.");
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
                : throw ApiException.BadRequest("A text in the body holds the character U+0000, which cannot be stored.");
        }
        catch (InvalidOperationException exception)
        {
            throw new ApiException(StatusCodes.Status400BadRequest, "A text in the body is not valid Unicode.", exception);
        }
    }
}
