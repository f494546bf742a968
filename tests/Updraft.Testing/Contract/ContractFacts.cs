using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>
/// What an OpenAPI document promises, without its sentences: names, types, limits. The same form for the published document and for
/// Updraft's, so that the two can be compared.
/// </summary>
internal static class ContractFacts
{
    private const string SchemaPrefix = "#/components/schemas/";

    /// <summary>What can be said about a value, beside what it consists of.</summary>
    public static readonly string[] Facets =
        ["type", "format", "default", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems", "nullable"];

    /// <summary>The facts: <c>operations</c> by id, <c>schemas</c> by name; both only as far as operations reach.</summary>
    public static JsonObject From(JsonNode document)
    {
        var operations = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        var reached = new Queue<string>();
        foreach (var (path, item) in document["paths"]!.AsObject())
        {
            foreach (var (method, operation) in item!.AsObject())
                operations.Add(operation!["operationId"]!.GetValue<string>(), Operation(method, path, operation, reached));
        }
        var schemas = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        while (reached.TryDequeue(out var name))
        {
            if (!schemas.ContainsKey(name))
                schemas.Add(name, Schema(document["components"]!["schemas"]![name]!, reached));
        }
        return new JsonObject { ["operations"] = new JsonObject(operations), ["schemas"] = new JsonObject(schemas) };
    }

    /// <summary>The name of the schema that is referred to; null for one that is written out.</summary>
    public static string? Reference(JsonNode? schema) => schema?["ref"]?.GetValue<string>();

    private static JsonObject Operation(string method, string path, JsonNode operation, Queue<string> reached)
    {
        var parameters = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var parameter in operation["parameters"]?.AsArray() ?? [])
        {
            var schema = Schema(parameter!["schema"]!, reached);
            if (parameter["required"]?.GetValue<bool>() == true)
                schema["isRequired"] = true;
            parameters.Add($"{parameter["in"]} {parameter["name"]}", schema);
        }
        var responses = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
        foreach (var (status, response) in operation["responses"]!.AsObject())
            responses.Add(status, Content(response, reached));
        var facts = new JsonObject
        {
            ["method"] = method.ToUpperInvariant(),
            ["path"] = path,
            ["tags"] = string.Join(", ", operation["tags"]?.AsArray().Select(tag => tag!.ToString()) ?? []),
            ["permission"] = operation["x-permission"]?[0]?["action"]?.ToString(),
            ["parameters"] = new JsonObject(parameters),
            ["responses"] = new JsonObject(responses),
        };
        if (operation["requestBody"] is { } body)
            facts["body"] = Content(body, reached);
        return facts;
    }

    private static JsonObject? Content(JsonNode? carrier, Queue<string> reached) =>
        carrier?["content"]?["application/json"]?["schema"] is { } schema ? Schema(schema, reached) : null;

    private static JsonObject Schema(JsonNode schema, Queue<string> reached)
    {
        var facts = new JsonObject();
        if (schema["$ref"]?.GetValue<string>() is { } reference)
        {
            var name = reference[SchemaPrefix.Length..];
            reached.Enqueue(name);
            facts["ref"] = name;
            return facts;
        }
        foreach (var facet in Facets)
        {
            if (schema[facet] is { } value)
                facts[facet] = value.DeepClone();
        }
        if (schema["enum"] is JsonArray values)
            facts["enum"] = Names(values);
        if (schema["required"] is JsonArray required)
            facts["required"] = Names(required);
        if (schema["items"] is { } items)
            facts["items"] = Schema(items, reached);
        if (schema["additionalProperties"] is JsonObject others)
            facts["others"] = Schema(others, reached);
        if (schema["oneOf"] is JsonArray choices)
        {
            facts["oneOf"] = new JsonArray([.. choices.Select(choice => Schema(choice!, reached))]);
            if (schema["discriminator"] is { } discriminator)
                facts["discriminator"] = discriminator.DeepClone();
        }
        if (schema["properties"] is JsonObject properties)
        {
            var sorted = new SortedDictionary<string, JsonNode?>(StringComparer.Ordinal);
            foreach (var (name, property) in properties)
                sorted.Add(name, Schema(property!, reached));
            facts["properties"] = new JsonObject(sorted);
        }
        return facts;
    }

    private static JsonArray Names(JsonArray names) =>
        new([.. names.Select(name => name!.ToString()).Order(StringComparer.Ordinal).Select(name => JsonValue.Create(name))]);
}
