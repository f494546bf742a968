using Microsoft.OpenApi;

namespace Updraft.Server.OpenApi;

/// <summary>Gives every named schema its one place in the document and puts references to it everywhere else.</summary>
internal static class SchemaComponents
{
    // Where the framework keeps the name that SchemaNames gave.
    private const string NameKey = "x-schema-id";

    /// <summary>The schema itself when it has no name, else a reference.</summary>
    public static IOpenApiSchema Refer(IOpenApiSchema schema, OpenApiDocument document)
    {
        if (schema is not OpenApiSchema own)
            return schema;
        var name = own.Metadata is { } metadata && metadata.TryGetValue(NameKey, out var given) ? given as string : null;
        if (!string.IsNullOrEmpty(name) && document.Components?.Schemas?.ContainsKey(name) == true)
            return new OpenApiSchemaReference(name, document);
        if (own.Items is { } items)
            own.Items = Refer(items, document);
        foreach (var (key, property) in own.Properties?.ToList() ?? [])
            own.Properties![key] = Refer(property, document);
        if (string.IsNullOrEmpty(name))
            return own;
        document.AddComponent<IOpenApiSchema>(name, own);
        return new OpenApiSchemaReference(name, document);
    }
}
