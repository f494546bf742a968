using System.Text.Json;

namespace Updraft.Server.Web;

/// <summary>The operations with one tag.</summary>
internal sealed record ApiOperationGroup(string Name, IReadOnlyList<ApiOperation> Operations);

/// <summary>One operation of the API.</summary>
/// <param name="Body">The request body; null for none.</param>
internal sealed record ApiOperation(string Id, string Method, string Path, string Summary, string? Text, IReadOnlyList<ApiField> Parameters,
    ApiField? Body, IReadOnlyList<ApiField> Responses);

/// <summary>An object in a request or response body.</summary>
internal sealed record ApiSchema(string Name, string? Text, IReadOnlyList<ApiField> Fields);

/// <summary>A parameter, a field of an object, or a response by its status.</summary>
/// <param name="Type">The type in words, such as "list of Deploy".</param>
/// <param name="Object">Name of the object type, alone or in a list; null for other types.</param>
public sealed record ApiField(string Name, string Type, string? Object, bool IsRequired, string? Text);

/// <summary>The content of the API reference page.</summary>
internal sealed record ApiReference(string Title, string? Text, IReadOnlyList<ApiOperationGroup> Groups, IReadOnlyList<ApiSchema> Objects)
{
    private static readonly string[] Methods = ["get", "post", "put", "patch", "delete"];

    /// <summary>Reads an OpenAPI document that this server generated.</summary>
    public static ApiReference From(JsonElement document)
    {
        var info = document.GetProperty("info");
        var operations = from path in document.GetProperty("paths").EnumerateObject()
                         from method in Methods
                         let operation = Find(path.Value, method)
                         where operation is not null
                         select (Tag: Find(operation.Value, "tags") is { } tags ? tags.EnumerateArray().First().GetString()! : "",
                             Operation: Operation(method, path.Name, operation.Value));
        var objects = document.GetProperty("components").GetProperty("schemas").EnumerateObject();
        return new ApiReference(info.GetProperty("title").GetString()!, TextOf(info, "description"),
            [.. operations.GroupBy(row => row.Tag, row => row.Operation, StringComparer.Ordinal)
                .Select(group => new ApiOperationGroup(group.Key, [.. group]))],
            [.. objects.Select(schema => new ApiSchema(schema.Name, TextOf(schema.Value, "description"), Fields(schema.Value)))
                .OrderBy(schema => schema.Name, StringComparer.Ordinal)]);
    }

    private static ApiOperation Operation(string method, string path, JsonElement operation) => new(
        TextOf(operation, "operationId") ?? $"{method} {path}", method.ToUpperInvariant(), path, TextOf(operation, "summary") ?? "",
        TextOf(operation, "description"),
        Find(operation, "parameters") is { } parameters ? [.. parameters.EnumerateArray().Select(Parameter)] : [],
        Find(operation, "requestBody") is { } body ? Content("", body, null) : null,
        [.. operation.GetProperty("responses").EnumerateObject()
            .Select(response => Content(response.Name, response.Value, TextOf(response.Value, "description")))]);

    private static ApiField Parameter(JsonElement parameter)
    {
        var schema = Find(parameter, "schema") ?? default;
        return new ApiField(parameter.GetProperty("name").GetString()!, $"{Type(schema)}, in the {parameter.GetProperty("in").GetString()}",
            Reference(schema), IsTrue(parameter, "required"), TextOf(parameter, "description"));
    }

    private static ApiField Content(string name, JsonElement holder, string? text)
    {
        var schema = Find(holder, "content") is { } content
            && content.EnumerateObject().FirstOrDefault().Value is { ValueKind: JsonValueKind.Object } media
            ? Find(media, "schema") ?? default : default;
        return new ApiField(name, schema.ValueKind == JsonValueKind.Object ? Type(schema) : "no body", Reference(schema), false, text);
    }

    private static IReadOnlyList<ApiField> Fields(JsonElement schema)
    {
        var required = Find(schema, "required") is { } names
            ? names.EnumerateArray().Select(name => name.GetString()).ToHashSet(StringComparer.Ordinal) : [];
        return Find(schema, "properties") is { } properties
            ? [.. properties.EnumerateObject().Select(field => new ApiField(field.Name, Type(field.Value), Reference(field.Value),
                required.Contains(field.Name), TextOf(field.Value, "description")))]
            : [];
    }

    private static string Type(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return "anything";
        if (Find(schema, "items") is { } items)
            return "list of " + Type(items);
        if (Reference(schema) is { } name)
            return name;
        if (Find(schema, "enum") is { } values)
            return "one of " + string.Join(", ", values.EnumerateArray().Select(value => value.ToString()));
        var format = TextOf(schema, "format") is { } known ? $" ({known})" : "";
        var limit = Find(schema, "maxLength") is { } length ? $", at most {length} characters"
            : Find(schema, "maximum") is { } maximum ? $", at most {maximum}" : "";
        return (TextOf(schema, "type") ?? "object") + format + limit;
    }

    /// <summary>Name of the referenced object: direct, as the item of a list, or as the first part of <c>allOf</c>.</summary>
    private static string? Reference(JsonElement schema)
    {
        if (schema.ValueKind != JsonValueKind.Object)
            return null;
        if (TextOf(schema, "$ref") is { } reference)
            return reference[(reference.LastIndexOf('/') + 1)..];
        if (Find(schema, "items") is { } items)
            return Reference(items);
        return Find(schema, "allOf") is { } parts && parts.GetArrayLength() > 0 ? Reference(parts[0]) : null;
    }

    private static JsonElement? Find(JsonElement element, string name) =>
        element.ValueKind == JsonValueKind.Object && element.TryGetProperty(name, out var value) ? value : null;

    private static string? TextOf(JsonElement element, string name) =>
        Find(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static bool IsTrue(JsonElement element, string name) => Find(element, name) is { ValueKind: JsonValueKind.True };
}
