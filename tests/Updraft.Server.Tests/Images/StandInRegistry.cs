using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Updraft.Server.Tests.Images;

/// <summary>
/// A stand-in for a registry, for responses that a real one cannot send. It serves the content that a test put into it. It requires no
/// token, but records the tokens of requests.
/// </summary>
internal sealed class StandInRegistry : IAsyncDisposable
{
    private readonly WebApplication _app;

    private StandInRegistry(WebApplication app) => _app = app;

    /// <summary>Replaces the usual response if it returns true. The path starts with <c>manifests/</c> or <c>blobs/</c>.</summary>
    public Func<HttpContext, string, Task<bool>> Override { get; set; } = (_, _) => Task.FromResult(false);

    /// <summary>Content by digest, and manifests also by tag.</summary>
    public ConcurrentDictionary<string, (string Type, byte[] Content)> Held { get; } = new(StringComparer.Ordinal);

    /// <summary>The requests, with their header <c>Authorization</c>.</summary>
    public ConcurrentQueue<(string Method, string Path, string Authorization, string Accept)> Requests { get; } = [];

    public Uri Address => new(_app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First());

    public static async Task<StandInRegistry> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        var app = builder.Build();
        app.Urls.Add("http://127.0.0.1:0");
        var registry = new StandInRegistry(app);
        app.Run(registry.RespondAsync);
        await app.StartAsync(TestContext.Current.CancellationToken);
        return registry;
    }

    /// <summary>Adds an image with a tag.</summary>
    public void Put(string tag, TestImage image)
    {
        Put(tag, TestImage.ManifestType, image.Manifest);
        Put(TestImage.DigestOf(image.Config), "application/octet-stream", image.Config);
    }

    /// <summary>Adds content with a tag and its digest.</summary>
    public void Put(string name, string type, byte[] content) => Held[name] = Held[TestImage.DigestOf(content)] = (type, content);

    public async ValueTask DisposeAsync() => await _app.DisposeAsync();

    private async Task RespondAsync(HttpContext context)
    {
        var path = context.Request.Path.Value!;
        Requests.Enqueue((context.Request.Method, path, context.Request.Headers.Authorization.ToString(),
            context.Request.Headers.Accept.ToString()));
        var parts = path.Split('/');
        var tail = string.Join('/', parts[^2..]);
        if (await Override(context, tail))
            return;
        var response = context.Response;
        response.Headers["Docker-Distribution-Api-Version"] = "registry/2.0";
        if (!Held.TryGetValue(parts[^1], out var held))
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            return;
        }
        response.ContentType = held.Type;
        response.ContentLength = held.Content.Length;
        response.Headers["Docker-Content-Digest"] = TestImage.DigestOf(held.Content);
        if (!HttpMethods.IsHead(context.Request.Method))
            await response.Body.WriteAsync(held.Content, context.RequestAborted);
    }
}
