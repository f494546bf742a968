using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Updraft.Server.Api;

namespace Updraft.Server.OpenApi;

/// <summary>Describes the API as a whole: its title, its URL, and its authentication.</summary>
internal sealed class DescribeDocument(IOptions<ServerOptions> options) : IOpenApiDocumentTransformer
{
    /// <summary>Name of the only security scheme.</summary>
    public const string Bearer = "JWT";

    private const string Errors = $"Every error response has a stable error code in its header {ErrorCode.Header}. "
        + "A body is JSON of at most 1 MiB with at most 32 levels and without the character U+0000 in any text. A name is one line. "
        + "GET operations also support HEAD; other methods return 405. A single-valued parameter must not be repeated, and an empty "
        + "parameter counts as absent.";

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var prefix = ServedDescription.Prefix(context.DocumentName);
        document.Info = new OpenApiInfo
        {
            Title = "Updraft",
            Version = "v1.0",
            Description = context.DocumentName == ServedDescription.Own
                ? "Updraft's own operations: the files of deploys, the differences of two deploys, webhooks, and the audit log. " + Errors
                : "Deploys for Apache Airflow: Organizations, Workspaces, Deployments, their deploys and tokens. " + Errors,
        };
        document.Info.Contact = new OpenApiContact
        {
            Name = "Operator of this server",
            Url = new Uri(options.Value.PublicUrl.TrimEnd('/') + "/docs/"),
        };
        document.Servers = [new OpenApiServer { Url = options.Value.PublicUrl.TrimEnd('/') + prefix }];
        document.AddComponent<IOpenApiSecurityScheme>(Bearer, new OpenApiSecurityScheme
        {
            Type = SecuritySchemeType.Http,
            Scheme = "bearer",
            BearerFormat = "JWT",
            Description = "An API token of this server.",
        });
        document.Security = [new OpenApiSecurityRequirement { [new OpenApiSecuritySchemeReference(Bearer, document)] = [] }];
        // The URL of the server ends with the prefix, so the paths start after it. Clients join both.
        var paths = new OpenApiPaths();
        foreach (var (path, item) in document.Paths.OrderBy(path => path.Key, StringComparer.Ordinal))
            paths.Add(path[prefix.Length..], item);
        document.Paths = paths;
        // The framework adds a tag for each class with routes, which no operation uses.
        var used = from path in paths.Values
                   from operation in path.Operations!.Values
                   from tag in operation.Tags!
                   select tag.Reference.Id;
        document.Tags = new HashSet<OpenApiTag>(used.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(name => new OpenApiTag { Name = name }));
        foreach (var schema in document.Components?.Schemas?.Values ?? [])
            WriteReferencesInline(schema);
        Examples.AddTo(document);
        return Task.CompletedTask;
    }

    /// <summary>Replaces "this schema or null" by the schema. The API sends no null, and few tools support the long form.</summary>
    private static void WriteReferencesInline(IOpenApiSchema schema)
    {
        if (schema.Properties is not { } properties)
            return;
        foreach (var (name, property) in properties.ToList())
        {
            if (property.OneOf is { Count: > 0 } choices && choices.OfType<OpenApiSchemaReference>().SingleOrDefault() is { } reference)
                properties[name] = reference;
        }
    }
}
