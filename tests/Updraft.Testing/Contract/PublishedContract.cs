using System.Text.Json;
using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>
/// The published contract. <c>published.json</c> has the names, types, enums and limits of the description. <c>differences.json</c> has the
/// accepted differences of Updraft.
/// </summary>
internal static class PublishedContract
{
    private static readonly JsonElement Document = Load("published");

    /// <summary>
    /// Unpublished fields and values that Updraft sends, each with its reason: <c>Deployment.x</c>, <c>Deploy.type=BUNDLE</c>.
    /// </summary>
    public static readonly IReadOnlyDictionary<string, string> Sent = Load("differences").GetProperty("sent").EnumerateArray()
        .SelectMany(group => group.GetProperty("what").EnumerateArray()
            .Select(what => (What: what.GetString()!, Why: group.GetProperty("reason").GetString()!)))
        .ToDictionary(entry => entry.What, entry => entry.Why, StringComparer.Ordinal);

    /// <summary>A strict client of the published contract.</summary>
    public static readonly ContractReader Reader = new(Document, Sent, "published");

    /// <summary>The facts of the published contract, for a comparison.</summary>
    public static JsonObject Facts() => JsonNode.Parse(Document.GetRawText())!.AsObject();

    /// <summary>All problems of a strict client with a value of a schema; empty for none.</summary>
    public static IReadOnlyList<string> Problems(string schema, JsonElement value) => Reader.Problems(schema, value);

    public static IEnumerable<string> Fields(string schema) => Reader.Fields(schema);

    /// <summary>Reads <c>published</c> or <c>differences</c> from the resources.</summary>
    public static JsonElement Load(string name)
    {
        using var stream = typeof(PublishedContract).Assembly.GetManifestResourceStream($"Contract/{name}.json")!;
        return JsonDocument.Parse(stream).RootElement;
    }
}
