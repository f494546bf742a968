using System.Text.Json.Nodes;

namespace Updraft.Testing;

/// <summary>Everything in which two APIs differ, one line each; names are those of the published one.</summary>
internal sealed class ContractDifferences
{
    private readonly JsonObject _published, _own;
    private readonly SortedSet<string> _lines = new(StringComparer.Ordinal);
    private readonly HashSet<(string Published, string Own)> _seen = [];

    private ContractDifferences(JsonObject published, JsonObject own) => (_published, _own) = (published, own);

    /// <summary>Compares two results of <see cref="ContractFacts.From"/>.</summary>
    public static IReadOnlyCollection<string> Between(JsonObject published, JsonObject own)
    {
        var differences = new ContractDifferences(published, own);
        differences.Compare();
        return differences._lines;
    }

    private void Compare()
    {
        var (published, own) = (_published["operations"]!.AsObject(), _own["operations"]!.AsObject());
        foreach (var (id, operation) in published)
        {
            if (own[id] is { } mine)
                Operation(id, operation!, mine);
            else
                _lines.Add($"{id} is not served");
        }
        foreach (var (id, _) in own)
        {
            if (!published.ContainsKey(id))
                _lines.Add($"{id} is not published");
        }
    }

    private void Operation(string id, JsonNode published, JsonNode own)
    {
        foreach (var fact in (string[])["method", "path", "tags", "permission"])
            Text($"{id}: {fact}", published[fact], own[fact]);
        Sets($"{id}: parameter", published["parameters"]!.AsObject(), own["parameters"]!.AsObject());
        Sets($"{id}: status", published["responses"]!.AsObject(), own["responses"]!.AsObject());
        Schema($"{id}: body", published["body"], own["body"]);
    }

    private void Sets(string what, JsonObject published, JsonObject own)
    {
        foreach (var (name, schema) in published)
        {
            if (!own.ContainsKey(name))
                _lines.Add($"{what} {name} is not here");
            else
                Schema($"{what} {name}", schema, own[name]);
        }
        foreach (var (name, _) in own)
        {
            if (!published.ContainsKey(name))
                _lines.Add($"{what} {name} is not published");
        }
    }

    private void Schema(string where, JsonNode? published, JsonNode? own)
    {
        if (published is null || own is null)
        {
            if (published is not null || own is not null)
                _lines.Add($"{where} is {(own is null ? "not here" : "not published")}");
            return;
        }
        var (theirs, mine) = (ContractFacts.Reference(published), ContractFacts.Reference(own));
        if (theirs is not null && mine is not null)
        {
            if (theirs != mine)
                _lines.Add($"{theirs} is called {mine} here");
            if (_seen.Add((theirs, mine)))
                Fields(theirs, Resolve(_published, published), Resolve(_own, own));
            return;
        }
        Fields(where, Resolve(_published, published), Resolve(_own, own));
    }

    private void Fields(string where, JsonObject published, JsonObject own)
    {
        if (published["oneOf"] is JsonArray choices && own["oneOf"] is null)
        {
            _lines.Add($"{where} is one record here");
            published = Variant(published, choices, own);
        }
        Text($"{where}: isRequired", published["isRequired"], own["isRequired"]);
        foreach (var facet in ContractFacts.Facets)
            Text($"{where}: {facet}", published[facet], own[facet]);
        Text($"{where}: enum", List(published["enum"]), List(own["enum"]));
        Schema($"{where}[]", published["items"], own["items"]);
        Schema($"{where}{{}}", published["others"], own["others"]);
        var (theirs, mine) = (published["properties"]?.AsObject() ?? [], own["properties"]?.AsObject() ?? []);
        var (required, requiredHere) = (Names(published["required"]), Names(own["required"]));
        foreach (var (name, schema) in theirs)
        {
            if (mine[name] is not { } field)
            {
                _lines.Add($"{where}.{name} is not here");
                continue;
            }
            if (required.Contains(name) != requiredHere.Contains(name))
                _lines.Add($"{where}.{name} is required only {(requiredHere.Contains(name) ? "here" : "as published")}");
            Schema($"{where}.{name}", schema, field);
        }
        foreach (var (name, _) in mine)
        {
            if (!theirs.ContainsKey(name))
                _lines.Add($"{where}.{name} is not published");
        }
    }

    /// <summary>Of several records, the one that the own record's discriminator names; all together when it names none.</summary>
    private JsonObject Variant(JsonObject published, JsonArray choices, JsonObject own)
    {
        var key = published["discriminator"]?["propertyName"]?.ToString() ?? "";
        var served = Names(own["properties"]?[key]?["enum"]);
        var variants = (from entry in published["discriminator"]?["mapping"]?.AsObject() ?? []
                        where served.Contains(entry.Key)
                        let name = entry.Value!.ToString().Split('/')[^1]
                        select _published["schemas"]![name]!.AsObject()).ToList();
        if (variants.Count == 1)
            return variants[0];
        var properties = new JsonObject();
        HashSet<string>? required = null;
        foreach (var variant in variants.Count > 0 ? variants : choices.Select(choice => Resolve(_published, choice!)))
        {
            foreach (var (name, schema) in variant["properties"]!.AsObject())
                properties[name] = schema!.DeepClone();
            required = [.. Names(variant["required"]).Where(name => required?.Contains(name) != false)];
        }
        return new JsonObject
        {
            ["type"] = "object",
            ["properties"] = properties,
            ["required"] = new JsonArray([.. required!.Select(name => JsonValue.Create(name))]),
        };
    }

    private void Text(string what, JsonNode? published, JsonNode? own)
    {
        var (theirs, mine) = (published?.ToString() ?? "-", own?.ToString() ?? "-");
        if (theirs != mine)
            _lines.Add($"{what} is {mine}, published {theirs}");
    }

    private static JsonObject Resolve(JsonObject facts, JsonNode schema) =>
        ContractFacts.Reference(schema) is { } name ? facts["schemas"]![name]!.AsObject() : schema.AsObject();

    private static JsonValue? List(JsonNode? names) => names is null ? null : JsonValue.Create(string.Join(' ', Names(names)));

    private static HashSet<string> Names(JsonNode? names) => [.. names?.AsArray().Select(name => name!.ToString()) ?? []];
}
