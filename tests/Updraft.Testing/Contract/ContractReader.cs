using System.Globalization;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Updraft.Testing;

/// <summary>
/// A client's strictest reader: an answer holds what a description requires, of the type that it says, and nothing else.
/// </summary>
/// <param name="facts">What <see cref="ContractFacts"/> found in the description.</param>
/// <param name="beyond">Fields and values that are right though the description lacks them.</param>
/// <param name="said">What the description did: <c>published</c> or <c>described</c>.</param>
internal sealed partial class ContractReader(JsonElement facts, IReadOnlyDictionary<string, string> beyond, string said)
{
    private readonly JsonElement _operations = facts.GetProperty("operations"), _schemas = facts.GetProperty("schemas");

    /// <summary>Everything that a strict reader of an answer would stumble over.</summary>
    /// <param name="operation">Id of the operation; null when no operation answered, as for an unknown address.</param>
    /// <param name="status">The answer's status.</param>
    /// <param name="contentType">Its content type.</param>
    /// <param name="body">Its body.</param>
    public IReadOnlyList<string> Problems(string? operation, int status, string? contentType, ReadOnlyMemory<byte> body)
    {
        JsonElement? schema = null;
        if (status >= 400)
        {
            schema = JsonElement.Parse("""{"ref":"Error"}""");
        }
        else if (operation is not null && _operations.TryGetProperty(operation, out var promised))
        {
            if (!promised.GetProperty("responses").TryGetProperty(status.ToString(CultureInfo.InvariantCulture), out var response))
                return [$"{operation} answered {status}, which is not {said}"];
            schema = response.ValueKind == JsonValueKind.Null ? null : response;
            if (schema is null)
                return body.Length == 0 ? [] : [$"{operation} answered {status} with a body, which is not {said}"];
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
    public IReadOnlyList<string> Problems(string schema, JsonElement value)
    {
        var problems = new List<string>();
        CheckObject(schema, _schemas.GetProperty(schema), value, schema, problems);
        return problems;
    }

    /// <summary>The names of all fields of a schema.</summary>
    public IEnumerable<string> Fields(string schema) =>
        _schemas.GetProperty(schema).GetProperty("properties").EnumerateObject().Select(field => field.Name);

    private void CheckObject(string name, JsonElement rules, JsonElement value, string where, List<string> problems)
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
                else if (!beyond.ContainsKey($"{name}.{field.Name}"))
                    problems.Add($"{where}.{field.Name} is not {said}");
            }
        }
    }

    private void CheckValue(JsonElement value, JsonElement rule, string name, string where, List<string> problems)
    {
        if (rule.TryGetProperty("ref", out var reference))
        {
            CheckObject(reference.GetString()!, _schemas.GetProperty(reference.GetString()!), value, where, problems);
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

    private void CheckText(string text, JsonElement rule, string name, string where, List<string> problems)
    {
        if (rule.TryGetProperty("enum", out var words) && !words.EnumerateArray().Any(word => word.ValueEquals(text))
            && !beyond.ContainsKey($"{name}={text}"))
            problems.Add($"{where} is '{text}', which is not {said}");
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

    [GeneratedRegex(@"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex UtcTime();
}
