using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Updraft.Server.Tests.Conventions;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Updraft.Server.Tests.Contract;

/// <summary>
/// The published description itself, which is not part of this repository: <c>../shared/openapi/astro-v1.yml</c> beside it, or the file
/// that <c>UPDRAFT_PUBLISHED_API</c> names. From it comes <c>published.json</c>: run the tests with <c>UPDRAFT_WRITE_CONTRACT=1</c>.
/// </summary>
internal static class PublishedDescription
{
    /// <summary>JSON for people.</summary>
    public static readonly JsonSerializerOptions Plain = new()
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Whether what follows from it is to be written anew.</summary>
    public static bool IsToBeWritten => Environment.GetEnvironmentVariable("UPDRAFT_WRITE_CONTRACT") == "1";

    private static string Path => Environment.GetEnvironmentVariable("UPDRAFT_PUBLISHED_API")
        ?? System.IO.Path.Join(SourceTree.Root, "../shared/openapi/astro-v1.yml");

    /// <summary>Its facts; null when it is not there.</summary>
    public static JsonObject? Read()
    {
        if (!File.Exists(Path))
            return null;
        using var text = File.OpenText(Path);
        var yaml = new YamlStream();
        yaml.Load(text);
        return ContractFacts.From(ToJson(yaml.Documents[0].RootNode)!);
    }

    /// <summary>Writes the extract, if that is asked for.</summary>
    public static void WriteIfAsked(JsonObject facts)
    {
        if (IsToBeWritten)
            File.WriteAllText(System.IO.Path.Join(SourceTree.Root, "tests/Updraft.Testing/Contract/published.json"), Show(facts));
    }

    /// <summary>The extract's form: one line for each operation and schema, so that changes can be read.</summary>
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
