using System.Text.Json;

namespace Updraft.Server.Web;

/// <summary>Operations about one kind of thing.</summary>
internal sealed record DescribedGroup(string Name, IReadOnlyList<DescribedOperation> Operations);

/// <summary>One operation of the API.</summary>
/// <param name="Body">The object that is sent; null for none.</param>
internal sealed record DescribedOperation(string Id, string Method, string Path, string Summary, string? Text, IReadOnlyList<DescribedField> Parameters,
    DescribedField? Body, IReadOnlyList<DescribedField> Answers);

/// <summary>An object that is sent or answered.</summary>
internal sealed record DescribedObject(string Name, string? Text, IReadOnlyList<DescribedField> Fields);

/// <summary>A parameter, a field of an object, or an answer by its status.</summary>
/// <param name="Type">What it holds, in words.</param>
/// <param name="Object">Name of the object that it holds, or holds several of; null for none.</param>
internal sealed record DescribedField(string Name, string Type, string? Object, bool IsRequired, string? Text);

/// <summary>What a page shows of a description of the API.</summary>
internal sealed record ReadDescription(string Title, string? Text, IReadOnlyList<DescribedGroup> Groups, IReadOnlyList<DescribedObject> Objects)
{
    private static readonly string[] Methods = ["get", "post", "put", "patch", "delete"];

    /// <summary>Reads an OpenAPI document as the server makes it.</summary>
    public static ReadDescription From(JsonElement document)
    {
        var info = document.GetProperty("info");
        var operations = from path in document.GetProperty("paths").EnumerateObject()
                         from method in Methods
                         let operation = Find(path.Value, method)
                         where operation is not null
                         select (Tag: Find(operation.Value, "tags") is { } tags ? tags.EnumerateArray().First().GetString()! : "",
                             Operation: Operation(method, path.Name, operation.Value));
        var objects = document.GetProperty("components").GetProperty("schemas").EnumerateObject();
        return new ReadDescription(info.GetProperty("title").GetString()!, TextOf(info, "description"),
            [.. operations.GroupBy(row => row.Tag, row => row.Operation, StringComparer.Ordinal).Select(group => new DescribedGroup(group.Key, [.. group]))],
            [.. objects.Select(schema => new DescribedObject(schema.Name, TextOf(schema.Value, "description"), Fields(schema.Value)))
                .OrderBy(schema => schema.Name, StringComparer.Ordinal)]);
    }

    private static DescribedOperation Operation(string method, string path, JsonElement operation) => new(
        TextOf(operation, "operationId") ?? $"{method} {path}", method.ToUpperInvariant(), path, TextOf(operation, "summary") ?? "", TextOf(operation, "description"),
        Find(operation, "parameters") is { } parameters ? [.. parameters.EnumerateArray().Select(Parameter)] : [],
        Find(operation, "requestBody") is { } body ? Content("", body, null) : null,
        [.. operation.GetProperty("responses").EnumerateObject().Select(answer => Content(answer.Name, answer.Value, TextOf(answer.Value, "description")))]);

    private static DescribedField Parameter(JsonElement parameter)
    {
        var schema = Find(parameter, "schema") ?? default;
        return new DescribedField(parameter.GetProperty("name").GetString()!, $"{Type(schema)}, in the {parameter.GetProperty("in").GetString()}",
            Reference(schema), IsTrue(parameter, "required"), TextOf(parameter, "description"));
    }

    private static DescribedField Content(string name, JsonElement holder, string? text)
    {
        var schema = Find(holder, "content") is { } content && content.EnumerateObject().FirstOrDefault().Value is { ValueKind: JsonValueKind.Object } media
            ? Find(media, "schema") ?? default : default;
        return new DescribedField(name, schema.ValueKind == JsonValueKind.Object ? Type(schema) : "no body", Reference(schema), false, text);
    }

    private static IReadOnlyList<DescribedField> Fields(JsonElement schema)
    {
        var required = Find(schema, "required") is { } names ? names.EnumerateArray().Select(name => name.GetString()).ToHashSet(StringComparer.Ordinal) : [];
        return Find(schema, "properties") is { } properties
            ? [.. properties.EnumerateObject().Select(field => new DescribedField(field.Name, Type(field.Value), Reference(field.Value),
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
        var most = Find(schema, "maxLength") is { } length ? $", at most {length} characters" : Find(schema, "maximum") is { } maximum ? $", at most {maximum}" : "";
        return (TextOf(schema, "type") ?? "object") + format + most;
    }

    /// <summary>Name of the object behind a reference, alone, in a list, or as the only part of a whole.</summary>
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

    private static string? TextOf(JsonElement element, string name) => Find(element, name) is { ValueKind: JsonValueKind.String } text ? text.GetString() : null;

    private static bool IsTrue(JsonElement element, string name) => Find(element, name) is { ValueKind: JsonValueKind.True };
}
