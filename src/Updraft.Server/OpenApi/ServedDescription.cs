using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Updraft.Server.OpenApi;

/// <summary>
/// The OpenAPI description of the public API, generated from its routes and records. It is the same for all callers, so it is
/// generated once. It needs no token, because the astro CLI sends none. The web UI shows it in Web/Pages/ApiReferencePage.razor.
/// </summary>
internal sealed class ServedDescription(IServiceProvider services) : IDisposable
{
    /// <summary>The document of the routes below <c>/v1</c>.</summary>
    public const string Version = "v1";

    /// <summary>The document of Updraft's own routes, below <c>/updraft/v1</c>.</summary>
    public const string Own = "updraft-v1";

    /// <summary>URL prefix of the routes of a document.</summary>
    public static string Prefix(string document) => document == Own ? "/updraft/v1" : "/" + Version;

    private readonly SemaphoreSlim _generation = new(1);
    private readonly ConcurrentDictionary<string, Content> _contents = new(StringComparer.Ordinal);

    /// <summary>The document of the public API.</summary>
    public ValueTask<Content> ReadAsync(CancellationToken cancellationToken) => ReadAsync(Version, cancellationToken);

    public async ValueTask<Content> ReadAsync(string document, CancellationToken cancellationToken)
    {
        if (_contents.TryGetValue(document, out var content))
            return content;
        await _generation.WaitAsync(cancellationToken);
        try
        {
            if (!_contents.TryGetValue(document, out content))
                _contents[document] = content =
                    await GenerateAsync(services.GetRequiredKeyedService<IOpenApiDocumentProvider>(document), cancellationToken);
            return content;
        }
        finally
        {
            _generation.Release();
        }
    }

    public void Dispose() => _generation.Dispose();

    private static async Task<Content> GenerateAsync(IOpenApiDocumentProvider description, CancellationToken cancellationToken)
    {
        var document = await description.GetOpenApiDocumentAsync(cancellationToken);
        using var bytes = new MemoryStream();
        // Version 3.0, like the published description. Some tools read only 3.0, and all tools that read 3.1 also read 3.0.
        await document.SerializeAsJsonAsync(bytes, OpenApiSpecVersion.OpenApi3_0, cancellationToken);
        var json = bytes.ToArray();
        return new Content(json, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(json)[..16])}\""));
    }

    /// <summary>The bytes of a document, with an entity tag for caches.</summary>
    public sealed record Content(byte[] Json, EntityTagHeaderValue Tag);
}

/// <summary>Endpoints of the description.</summary>
internal static class DescriptionEndpoints
{
    /// <summary>The path of this server, and the two paths that clients of the contract request.</summary>
    private static readonly string[] Paths = ["/openapi/v1.json", "/spec/v1.0", "/spec/v1"];

    public static void AddApiDescription(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ServedDescription>();
        foreach (var document in (string[])[ServedDescription.Version, ServedDescription.Own])
        {
            builder.Services.AddOpenApi(document, options =>
            {
                options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_0;
                options.ShouldInclude = description => DescribeOperation.IsDescribed(description, ServedDescription.Prefix(document));
                options.CreateSchemaReferenceId = SchemaNames.Find;
                options.AddSchemaTransformer<DescribeSchema>();
                options.AddOperationTransformer<DescribeOperation>();
                options.AddDocumentTransformer<DescribeDocument>();
            });
        }
    }

    public static void MapApiDescription(this IEndpointRouteBuilder routes)
    {
        foreach (var path in Paths)
            routes.MapGet(path, GetAsync).AllowAnonymous();
        routes.MapGet("/openapi/updraft-v1.json", GetOwnAsync).AllowAnonymous();
    }

    private static Task<IResult> GetAsync(ServedDescription description, CancellationToken cancellationToken) =>
        SendAsync(description, ServedDescription.Version, cancellationToken);

    private static Task<IResult> GetOwnAsync(ServedDescription description, CancellationToken cancellationToken) =>
        SendAsync(description, ServedDescription.Own, cancellationToken);

    private static async Task<IResult> SendAsync(ServedDescription description, string document, CancellationToken cancellationToken)
    {
        var (json, tag) = await description.ReadAsync(document, cancellationToken);
        return Results.Bytes(json, "application/json; charset=utf-8", entityTag: tag);
    }
}
