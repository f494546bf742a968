using System.Text.Json;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>
/// Reads a value of any kind as text, so that a number where a word belongs is answered with the words that are
/// allowed and not with a parser's message.
/// </summary>
internal sealed class AnyAsTextConverter : JsonConverter<string>
{
    public override string? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        if (reader.TokenType == JsonTokenType.String)
            return reader.GetString();
        using var value = JsonDocument.ParseValue(ref reader);
        return value.RootElement.GetRawText();
    }

    public override void Write(Utf8JsonWriter writer, string value, JsonSerializerOptions options) => writer.WriteStringValue(value);
}
