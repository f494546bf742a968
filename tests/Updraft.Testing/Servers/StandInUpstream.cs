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
/// A stand-in for an image registry: takes every request, writes down what arrived, and answers as the test says. The real one is in the
/// end-to-end tests.
/// </summary>
internal sealed class StandInUpstream : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<SeenRequest> _seen = new();

    private StandInUpstream()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Limits.MaxRequestBodySize = null).UseUrls("http://127.0.0.1:0");
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(async context =>
        {
            var request = context.Request;
            _seen.Enqueue(new SeenRequest(request.Method, context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
                request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(), StringComparer.OrdinalIgnoreCase)));
            await Answer(context);
        });
    }

    /// <summary>Where it listens.</summary>
    public string Url { get; private set; } = "";

    /// <summary>What has arrived, in order.</summary>
    public IReadOnlyList<SeenRequest> Seen => [.. _seen];

    /// <summary>How it answers.</summary>
    public RequestDelegate Answer { get; private set; } = static _ => Task.CompletedTask;

    /// <summary>Forgets what has arrived, for the next test.</summary>
    /// <param name="answer">How it answers from now on; 200 with an empty body by default.</param>
    public void Begin(RequestDelegate? answer = null)
    {
        _seen.Clear();
        Answer = answer ?? (static _ => Task.CompletedTask);
    }

    public static async Task<StandInUpstream> StartAsync()
    {
        var registry = new StandInUpstream();
        await registry._app.StartAsync(TestContext.Current.CancellationToken);
        registry.Url = registry._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single();
        return registry;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>A request as the stand-in saw it.</summary>
internal sealed record SeenRequest(string Method, string Target, IReadOnlyDictionary<string, string> Headers);
