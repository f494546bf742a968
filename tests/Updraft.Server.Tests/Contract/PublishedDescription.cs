using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Conventions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Updraft.Server.Tests.Contract;

/// <summary>
/// The published API description, which is not part of this repository: <c>../shared/openapi/astro-v1.yml</c> next to the checkout, or the
/// file that <c>UPDRAFT_PUBLISHED_API</c> names. Tests with <c>UPDRAFT_WRITE_CONTRACT=1</c> create <c>published.json</c> from it.
/// </summary>
internal static class PublishedDescription
{
    /// <summary>Indented JSON without escapes.</summary>
    public static readonly JsonSerializerOptions Plain = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Whether tests write the extract and the list of differences again.</summary>
    public static bool MustWrite => Environment.GetEnvironmentVariable("UPDRAFT_WRITE_CONTRACT") == "1";

    private static string Path => Environment.GetEnvironmentVariable("UPDRAFT_PUBLISHED_API")
        ?? System.IO.Path.Join(SourceTree.Root, "../shared/openapi/astro-v1.yml");

    /// <summary>The facts of the description; null if the file is missing.</summary>
    public static JsonObject? Read()
    {
        if (!File.Exists(Path))
            return null;
        using var text = File.OpenText(Path);
        var yaml = new YamlStream();
        yaml.Load(text);
        return ContractFacts.From(ToJson(yaml.Documents[0].RootNode)!);
    }

    /// <summary>Writes the extract if <see cref="MustWrite"/> is set.</summary>
    public static void WriteIfAsked(JsonObject facts)
    {
        if (MustWrite)
            File.WriteAllText(System.IO.Path.Join(SourceTree.Root, "tests/Updraft.Testing/Contract/published.json"), Show(facts));
    }

    /// <summary>The text of the extract, with one line for each operation and schema, so that a diff is readable.</summary>
    public static string Show(JsonObject facts)
    {
        var compact = new JsonSerializerOptions(Plain) { WriteIndented = false };
        var parts = facts.Select(part => $"  \"{part.Key}\": {{\n" + string.Join(",\n",
            part.Value!.AsObject().Select(entry => $"    \"{entry.Key}\": {entry.Value!.ToJsonString(compact)}")) + "\n  }");
        return "{\n" + string.Join(",\n", parts) + "\n}\n";
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => new JsonObject(mapping.Children.Select(child =>
            new KeyValuePair<string, JsonNode?>(((YamlScalarNode)child.Key).Value!, ToJson(child.Value)))),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        YamlScalarNode { Style: ScalarStyle.Plain, Value: "true" or "false" } scalar => JsonValue.Create(scalar.Value == "true"),
        YamlScalarNode { Style: ScalarStyle.Plain } scalar when int.TryParse(scalar.Value, NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture, out var number) => JsonValue.Create(number),
        YamlScalarNode scalar => JsonValue.Create(scalar.Value),
        _ => throw new NotSupportedException($"{node.NodeType} in a description."),
    };
}
