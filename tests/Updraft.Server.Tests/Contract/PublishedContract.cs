using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Contract;

/// <summary>
/// A client's strictest reader: an answer holds what the published description requires, of the type that it says, and nothing else.
/// <c>published.json</c> has the description's names, types, enums and limits; <c>differences.json</c> what Updraft says beyond it.
/// </summary>
internal static partial class PublishedContract
{
    private static readonly JsonElement Document = Load("published");
    private static readonly JsonElement Operations = Document.GetProperty("operations"), Schemas = Document.GetProperty("schemas");

    /// <summary>Fields and values that are not published and yet sent, each with its reason: <c>Deployment.x</c>, <c>Deploy.type=BUNDLE</c>.</summary>
    public static readonly IReadOnlyDictionary<string, string> Sent = Load("differences").GetProperty("sent").EnumerateArray()
        .SelectMany(group => group.GetProperty("what").EnumerateArray().Select(what => (What: what.GetString()!, Why: group.GetProperty("reason").GetString()!)))
        .ToDictionary(entry => entry.What, entry => entry.Why, StringComparer.Ordinal);

    /// <summary>The facts, to be compared with others.</summary>
    public static JsonObject Facts() => JsonNode.Parse(Document.GetRawText())!.AsObject();

    /// <summary>Everything that a strict reader of an answer would stumble over.</summary>
    /// <param name="operation">Id of the operation; null when no operation answered, as for an unknown address.</param>
    /// <param name="status">The answer's status.</param>
    /// <param name="contentType">Its content type.</param>
    /// <param name="body">Its body.</param>
    public static IReadOnlyList<string> Problems(string? operation, int status, string? contentType, ReadOnlyMemory<byte> body)
    {
        JsonElement? schema = null;
        if (status >= 400)
        {
            schema = JsonElement.Parse("""{"ref":"Error"}""");
        }
        else if (operation is not null && Operations.TryGetProperty(operation, out var published))
        {
            if (!published.GetProperty("responses").TryGetProperty(status.ToString(CultureInfo.InvariantCulture), out var response))
                return [$"{operation} answered {status}, which is not published"];
            schema = response.ValueKind == JsonValueKind.Null ? null : response;
            if (schema is null)
                return body.Length == 0 ? [] : [$"{operation} answered {status} with a body, which is not published"];
        }
        if (schema is not { } rules)
            return [];
        if (contentType?.StartsWith("application/json", StringComparison.Ordinal) != true)
            return [$"{operation} answered {status} as '{contentType}' and not as JSON"];
        var problems = new List<string>();
        using var document = JsonDocument.Parse(body);
        CheckValue(document.RootElement, rules, "answer", operation ?? "answer", problems);
        return problems;
    }

    /// <summary>Everything that a strict reader of a schema would stumble over; empty when nothing is.</summary>
    public static IReadOnlyList<string> Problems(string schema, JsonElement value)
    {
        var problems = new List<string>();
        CheckObject(schema, Schemas.GetProperty(schema), value, schema, problems);
        return problems;
    }

    /// <summary>The names of all fields of a schema.</summary>
    public static IEnumerable<string> Fields(string schema) =>
        Schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(field => field.Name);

    private static void CheckObject(string name, JsonElement rules, JsonElement value, string where, List<string> problems)
    {
        if (value.ValueKind != JsonValueKind.Object)
        {
            problems.Add($"{where} is no object");
            return;
        }
        if (rules.TryGetProperty("required", out var required))
        {
            foreach (var field in required.EnumerateArray())
            {
                if (!value.TryGetProperty(field.GetString()!, out _))
                    problems.Add($"{where}.{field} is missing");
            }
        }
        if (rules.TryGetProperty("others", out var others))
        {
            foreach (var field in value.EnumerateObject())
                CheckValue(field.Value, others, $"{name}{{}}", $"{where}.{field.Name}", problems);
        }
        else if (rules.TryGetProperty("properties", out var properties))
        {
            foreach (var field in value.EnumerateObject())
            {
                if (properties.TryGetProperty(field.Name, out var rule))
                    CheckValue(field.Value, rule, $"{name}.{field.Name}", $"{where}.{field.Name}", problems);
                else if (!Sent.ContainsKey($"{name}.{field.Name}"))
                    problems.Add($"{where}.{field.Name} is not published");
            }
        }
    }

    private static void CheckValue(JsonElement value, JsonElement rule, string name, string where, List<string> problems)
    {
        if (rule.TryGetProperty("ref", out var reference))
        {
            CheckObject(reference.GetString()!, Schemas.GetProperty(reference.GetString()!), value, where, problems);
            return;
        }
        var type = rule.TryGetProperty("type", out var said) ? said.GetString() : null;
        if (!IsOf(type, value))
        {
            problems.Add($"{where} is no {type} but {value.GetRawText()}");
            return;
        }
        switch (type)
        {
            case "object":
                CheckObject(name, rule, value, where, problems);
                break;
            case "array" when rule.TryGetProperty("items", out var items):
                foreach (var (index, item) in value.EnumerateArray().Index())
                    CheckValue(item, items, $"{name}[]", $"{where}[{index}]", problems);
                break;
            case "string":
                CheckText(value.GetString()!, rule, name, where, problems);
                break;
        }
    }

    private static void CheckText(string text, JsonElement rule, string name, string where, List<string> problems)
    {
        if (rule.TryGetProperty("enum", out var words) && !words.EnumerateArray().Any(word => word.ValueEquals(text))
            && !Sent.ContainsKey($"{name}={text}"))
            problems.Add($"{where} is '{text}', which is not published");
        if (rule.TryGetProperty("format", out var format) && format.ValueEquals("date-time") && !(UtcTime().IsMatch(text)
            && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, out _)))
            problems.Add($"{where} is '{text}', which is no time in UTC");
    }

    private static bool IsOf(string? type, JsonElement value) => type switch
    {
        "string" => value.ValueKind == JsonValueKind.String,
        "boolean" => value.ValueKind is JsonValueKind.True or JsonValueKind.False,
        "integer" => value.ValueKind == JsonValueKind.Number && value.GetRawText().All(c => char.IsAsciiDigit(c) || c == '-'),
        "number" => value.ValueKind == JsonValueKind.Number,
        "array" => value.ValueKind == JsonValueKind.Array,
        "object" => value.ValueKind == JsonValueKind.Object,
        _ => value.ValueKind != JsonValueKind.Null,
    };

    internal static JsonElement Load(string name)
    {
        using var stream = typeof(PublishedContract).Assembly.GetManifestResourceStream($"Contract/{name}.json")!;
        return JsonDocument.Parse(stream).RootElement;
    }

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UtcTime();
}
