using System.Buffers.Text;
using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>Reads tokens as clients do, without verification.</summary>
internal static class Jwt
{
    public static JsonObject Header(string token) => Part(token, 0);

    public static JsonObject Claims(string token) => Part(token, 1);

    private static JsonObject Part(string token, int index) =>
        Assert.IsType<JsonObject>(JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[index])));
}
