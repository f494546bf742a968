using System.Collections.Concurrent;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Updraft.Testing;

/// <summary>
/// Stands in for an image registry: it records every request, and the test provides the response. The end-to-end tests use a real registry.
/// </summary>
internal sealed class StandInUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<SeenRequest> _seen = new();
    private RequestDelegate _respond = static _ => Task.CompletedTask;

    private StandInUpstream()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null)
            .UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(async context =>
        {
            var request = context.Request;
            _seen.Enqueue(new SeenRequest(request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
                request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            await _respond(context);
        });
    }

    /// <summary>URL of the stand-in.</summary>
    public string Url { get; private set; } = "";

    /// <summary>The received requests, in order.</summary>
    public IReadOnlyList<SeenRequest> Seen => [.. _seen];

    /// <summary>Forgets the received requests, for the next test.</summary>
    /// <param name="respond">Writes the responses from now on; 200 with an empty body by default.</param>
    public void Begin(RequestDelegate? respond = null)
    {
        _seen.Clear();
        _respond = respond ?? (static _ => Task.CompletedTask);
    }

    public static async Task<StandInUpstream> StartAsync()
    {
        var registry = new StandInUpstream();
        await registry._app.StartAsync(TestContext.Current.CancellationToken);
        var server = registry._app.Services.GetRequiredService<IServer>();
        registry.Url = server.Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        return registry;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>A received request.</summary>
internal sealed record SeenRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers);
