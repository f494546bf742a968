using System.Buffers.Text;
using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>Reads tokens the way that clients do: without verifying them.</summary>
internal static class Jwt
{
    public static JsonObject Header(string token) => Part(token, 0);

    public static JsonObject Claims(string token) => Part(token, 1);

    private static JsonObject Part(string token, int index) =>
        Assert.IsType<JsonObject>(JsonNode.Parse(Base64Url.DecodeFromChars(token.Split('.')[index])));
}
