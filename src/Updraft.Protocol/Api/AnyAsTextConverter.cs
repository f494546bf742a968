using System.Text.Json;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>
/// Reads a JSON value of any kind as text. So a number in place of a word leads to an error that lists the allowed words, and not
/// to a parser's message.
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
