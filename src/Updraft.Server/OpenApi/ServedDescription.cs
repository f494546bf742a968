using System.Collections.Concurrent;
using System.Security.Cryptography;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;

namespace Updraft.Server.OpenApi;

/// <summary>
/// The machine-readable description of the public API, made from its routes and records. It is the same for everybody, so it is made
/// once; nobody needs a token for it, as the astro CLI sends none. The page for people is Web/Pages/ApiReferencePage.razor.
/// </summary>
internal sealed class ServedDescription(IServiceProvider services) : IDisposable
{
    /// <summary>The version that is described: the routes below <c>/v1</c>.</summary>
    public const string Version = "v1";

    /// <summary>What Updraft has beside that API: the routes below <c>/updraft/v1</c>.</summary>
    public const string Own = "updraft-v1";

    /// <summary>Where the routes of a description are.</summary>
    public static string Prefix(string document) => document == Own ? "/updraft/v1" : "/" + Version;

    private readonly SemaphoreSlim _oneAtATime = new(1);
    private readonly ConcurrentDictionary<string, Content> _contents = new(StringComparer.Ordinal);

    /// <summary>The document as JSON.</summary>
    public ValueTask<Content> ReadAsync(CancellationToken cancellationToken) => ReadAsync(Version, cancellationToken);

    /// <summary>One of the documents as JSON.</summary>
    public async ValueTask<Content> ReadAsync(string document, CancellationToken cancellationToken)
    {
        if (_contents.TryGetValue(document, out var made))
            return made;
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            if (!_contents.TryGetValue(document, out made))
                _contents[document] = made = await MakeAsync(services.GetRequiredKeyedService<IOpenApiDocumentProvider>(document), cancellationToken);
            return made;
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public void Dispose() => _oneAtATime.Dispose();

    private static async Task<Content> MakeAsync(IOpenApiDocumentProvider description, CancellationToken cancellationToken)
    {
        var document = await description.GetOpenApiDocumentAsync(cancellationToken);
        using var bytes = new MemoryStream();
        // 3.0, like the published one: clients that read 3.0 only are common, the other way round there are none.
        await document.SerializeAsJsonAsync(bytes, OpenApiSpecVersion.OpenApi3_0, cancellationToken);
        var json = bytes.ToArray();
        return new Content(json, new EntityTagHeaderValue($"\"{Convert.ToHexStringLower(SHA256.HashData(json)[..16])}\""));
    }

    /// <summary>The document's bytes, and their tag for clients that keep a copy.</summary>
    public sealed record Content(byte[] Json, EntityTagHeaderValue Tag);
}

/// <summary>Where the description is found.</summary>
internal static class DescriptionEndpoints
{
    /// <summary>This server's own address, and the two where clients of the API look.</summary>
    private static readonly string[] Addresses = ["/openapi/v1.json", "/spec/v1.0", "/spec/v1"];

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
        foreach (var address in Addresses)
            routes.MapGet(address, GetAsync).AllowAnonymous();
        routes.MapGet("/openapi/updraft-v1.json", GetOwnAsync).AllowAnonymous();
    }

    private static Task<IResult> GetAsync(ServedDescription description, CancellationToken cancellationToken) =>
        AnswerAsync(description, ServedDescription.Version, cancellationToken);

    private static Task<IResult> GetOwnAsync(ServedDescription description, CancellationToken cancellationToken) =>
        AnswerAsync(description, ServedDescription.Own, cancellationToken);

    private static async Task<IResult> AnswerAsync(ServedDescription description, string document, CancellationToken cancellationToken)
    {
        var (json, tag) = await description.ReadAsync(document, cancellationToken);
        return Results.Bytes(json, "application/json; charset=utf-8", entityTag: tag);
    }
}
