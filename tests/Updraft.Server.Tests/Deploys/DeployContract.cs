using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Deploys;

/// <summary>
/// A client's strictest reader: an answer holds what the published schema requires, of the type that it says, and
/// nothing else. <c>contract.json</c> has the schemas' names, types, enums and formats.
/// </summary>
internal static partial class DeployContract
{
    /// <summary>The published enum lacks a type that can be created; answering with another one would be a lie.</summary>
    private static readonly (string Schema, string Field, string Value) Deviation = ("Deploy", "type", "BUNDLE");

    private static readonly JsonElement Schemas = Load();

    /// <summary>Everything that a strict reader would stumble over; empty when nothing is.</summary>
    public static IReadOnlyList<string> Problems(string schema, JsonElement value)
    {
        var problems = new List<string>();
        CheckObject(schema, value, schema, problems);
        return problems;
    }

    /// <summary>The names of all fields of a schema.</summary>
    public static IEnumerable<string> Fields(string schema) =>
        Schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(field => field.Name);

    private static void CheckObject(string schema, JsonElement value, string where, List<string> problems)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{where} is no object");
            return;
        }
        var rules = Schemas.GetProperty(schema);
        foreach (var name in rules.GetProperty("required").EnumerateArray().Select(name => name.GetString()!))
        {
            if (!value.Has(name))
                problems.Add($"{where}.{name} is missing");
        }
        foreach (var field in value.EnumerateObject())
        {
            if (rules.GetProperty("properties").TryGetProperty(field.Name, out var rule))
                CheckValue(schema, field, rule, $"{where}.{field.Name}", problems);
            else
                problems.Add($"{where}.{field.Name} is unknown");
        }
    }

    private static void CheckValue(string schema, JsonProperty field, JsonElement rule, string where, List<string> problems)
    {
        var value = field.Value;
        if (rule.TextOrNull("$ref") is { } reference)
        {
            CheckObject(reference, value, where, problems);
            return;
        }
        var type = rule.Text("type");
        var isRight = type switch
        {
            "string" => value.ValueKind == JsonValueKind.String,
            "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
            "integer" => value.ValueKind == JsonValueKind.Number && value.GetRawText().All(c => char.IsAsciiDigit(c) || c == '-'),
            _ => value.ValueKind == JsonValueKind.Array,
        };
        if (!isRight)
        {
            problems.Add($"{where} is no {type} but {value.GetRawText()}");
            return;
        }
        if (type == "array")
        {
            foreach (var (index, item) in value.EnumerateArray().Index())
                CheckObject(rule.Text("items"), item, $"{where}[{index}]", problems);
        }
        if (rule.TryGetProperty("enum", out var words) && !words.EnumerateArray().Any(word => word.GetString() == value.GetString())
            && (schema, field.Name, value.GetString()) != Deviation)
            problems.Add($"{where} is '{value}', which is not in the enum");
        if (rule.TextOrNull("format") == "date-time" && !(UtcTime().IsMatch(value.GetString()!)
            && DateTimeOffset.TryParse(value.GetString(), CultureInfo.InvariantCulture, out _)))
            problems.Add($"{where} is '{value}', which is no time in UTC");
    }

    private static JsonElement Load()
    {
        using var stream = typeof(DeployContract).Assembly.GetManifestResourceStream("Deploys/contract.json")!;
        return JsonDocument.Parse(stream).RootElement;
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UtcTime();
}
