using System.Security.Cryptography;
using Microsoft.AspNetCore.OpenApi;
using Microsoft.Net.Http.Headers;
using Microsoft.OpenApi;
using Scalar.AspNetCore;

namespace Updraft.Server.OpenApi;

/// <summary>
/// The machine-readable description of the public API, made from its routes and records. It is the same for everybody, so it is made
/// once; nobody needs a token for it, as the astro CLI sends none.
/// </summary>
internal sealed class ServedDescription([FromKeyedServices(ServedDescription.Version)] IOpenApiDocumentProvider description) : IDisposable
{
    /// <summary>The version that is described: the routes below <c>/v1</c>.</summary>
    public const string Version = "v1";

    private readonly SemaphoreSlim _oneAtATime = new(1);
    private Content? _content;

    /// <summary>The document as JSON.</summary>
    public async ValueTask<Content> ReadAsync(CancellationToken cancellationToken)
    {
        if (_content is { } made)
            return made;
        await _oneAtATime.WaitAsync(cancellationToken);
        try
        {
            return _content ??= await MakeAsync(cancellationToken);
        }
        finally
        {
            _oneAtATime.Release();
        }
    }

    public void Dispose() => _oneAtATime.Dispose();

    private async Task<Content> MakeAsync(CancellationToken cancellationToken)
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

    private const string Page = "/docs";

    /// <summary>The page's script is large and not ours: the browser refuses whatever else it might want to fetch.</summary>
    private const string OnlyThisServer = "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; form-action 'none'; base-uri 'self'";

    public static void AddApiDescription(this WebApplicationBuilder builder)
    {
        builder.Services.AddSingleton<ServedDescription>();
        builder.Services.AddOpenApi(ServedDescription.Version, options =>
        {
            options.OpenApiVersion = OpenApiSpecVersion.OpenApi3_0;
            options.ShouldInclude = DescribeOperation.IsDescribed;
            options.CreateSchemaReferenceId = SchemaNames.Find;
            options.AddSchemaTransformer<DescribeSchema>();
            options.AddOperationTransformer<DescribeOperation>();
            options.AddDocumentTransformer<DescribeDocument>();
        });
    }

    public static void MapApiDescription(this IEndpointRouteBuilder routes)
    {
        foreach (var address in Addresses)
            routes.MapGet(address, GetAsync).AllowAnonymous();
        // Everything that the page needs comes from here: no fonts, no telemetry, no assistant of somebody else.
        routes.MapScalarApiReference(Page, options => options
            .AddDocument(ServedDescription.Version)
            .WithTitle("Updraft API")
            .DisableDefaultFonts()
            .DisableTelemetry()
            .DisableAgent()
            .DisableMcp()
            .HideDeveloperTools()
            .HideClientButton()
            .AddHeadContent($"<meta http-equiv=\"Content-Security-Policy\" content=\"{OnlyThisServer}\">")).AllowAnonymous();
    }

    private static async Task<IResult> GetAsync(ServedDescription description, CancellationToken cancellationToken)
    {
        var (json, tag) = await description.ReadAsync(cancellationToken);
        return Results.Bytes(json, "application/json; charset=utf-8", entityTag: tag);
    }
}
