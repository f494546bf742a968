using Microsoft.AspNetCore.OpenApi;
using Microsoft.Extensions.Options;
using Microsoft.OpenApi;
using Updraft.Server.Api;

namespace Updraft.Server.OpenApi;

/// <summary>What stands around the operations: where they are, and how a caller says who he is.</summary>
internal sealed class DescribeDocument(IOptions<ServerOptions> options) : IOpenApiDocumentTransformer
{
    /// <summary>Name of the one way to sign in.</summary>
    public const string Bearer = "JWT";

    public Task TransformAsync(OpenApiDocument document, OpenApiDocumentTransformerContext context, CancellationToken cancellationToken)
    {
        var prefix = ServedDescription.Prefix(context.DocumentName);
        document.Info = new OpenApiInfo
        {
            Title = "Updraft",
            Version = "v1.0",
            Description = context.DocumentName == ServedDescription.Own
                ? "What Updraft has beside the API of Deployments and deploys: the files of deploys, what two deploys differ in, webhooks, and the audit log."
                : "Deploys of Apache Airflow: Organizations, Workspaces, Deployments, their deploys and tokens.",
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
        // The address of the server ends with the prefix, so the paths begin after it; clients build requests from both.
        var paths = new OpenApiPaths();
        foreach (var (path, item) in document.Paths.OrderBy(path => path.Key, StringComparer.Ordinal))
            paths.Add(path[prefix.Length..], item);
        document.Paths = paths;
        // The framework adds one for every class with routes.
        var used = from path in paths.Values
                   from operation in path.Operations!.Values
                   from tag in operation.Tags!
                   select tag.Reference.Id;
        document.Tags = new HashSet<OpenApiTag>(used.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)
            .Select(name => new OpenApiTag { Name = name }));
        foreach (var schema in document.Components?.Schemas?.Values ?? [])
            WriteReferencesInline(schema);
        return Task.CompletedTask;
    }

    /// <summary>"This record or null" becomes the record: nothing is null here, and few readers follow the long form.</summary>
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
