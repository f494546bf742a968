using System.Text.Json;
using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>
/// The published contract: <c>published.json</c> has the description's names, types, enums and limits; <c>differences.json</c> what Updraft
/// says beyond it.
/// </summary>
internal static class PublishedContract
{
    private static readonly JsonElement Document = Load("published");

    /// <summary>Fields and values that are not published and yet sent, each with its reason: <c>Deployment.x</c>, <c>Deploy.type=BUNDLE</c>.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sent = Load("differences").GetProperty("sent").EnumerateArray()
        .SelectMany(group => group.GetProperty("what").EnumerateArray().Select(what => (What: what.GetString()!, Why: group.GetProperty("reason").GetString()!)))
        .ToDictionary(entry => entry.What, entry => entry.Why, StringComparer.Ordinal);

    /// <summary>A client that was made for the published contract.</summary>
    public static readonly ContractReader Reader = new(Document, Sent, "published");

    /// <summary>The facts, to be compared with others.</summary>
    public static JsonObject Facts() => JsonNode.Parse(Document.GetRawText())!.AsObject();

    /// <summary>Everything that a strict reader of a schema would stumble over; empty when nothing is.</summary>
    public static IReadOnlyList<string> Problems(string schema, JsonElement value) => Reader.Problems(schema, value);

    /// <summary>The names of all fields of a schema.</summary>
    public static IEnumerable<string> Fields(string schema) => Reader.Fields(schema);

    /// <summary>One of the two files.</summary>
    public static JsonElement Load(string name)
    {
        using var stream = typeof(PublishedContract).Assembly.GetManifestResourceStream($"Contract/{name}.json")!;
        return JsonDocument.Parse(stream).RootElement;
    }
}
