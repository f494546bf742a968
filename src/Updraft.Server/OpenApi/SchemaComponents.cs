using Microsoft.OpenApi;

namespace Updraft.Server.OpenApi;

/// <summary>Moves each named schema to the components of the document, and replaces it by a reference.</summary>
internal static class SchemaComponents
{
    // Metadata key in which the framework stores the name from SchemaNames.
    private const string NameKey = "x-schema-id";

    /// <summary>A reference to the schema; the schema itself if it has no name.</summary>
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
