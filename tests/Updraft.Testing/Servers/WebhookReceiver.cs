using System.Collections.Concurrent;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace Updraft.Testing;

/// <summary>A receiver of webhooks on a loopback address. It stores the requests, and sends the response of the test, by default 204.</summary>
internal sealed class WebhookReceiver : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<ReceivedWebhook> _received = new();

    private WebhookReceiver(IPAddress ipAddress, int port)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(ipAddress, port));
        builder.Logging.ClearProviders();
        _app = builder.Build();
        _app.Run(async context =>
        {
            using var body = new MemoryStream();
            await context.Request.Body.CopyToAsync(body);
            var received = new ReceivedWebhook(context.Request.Method + " "
                + context.Features.GetRequiredFeature<IHttpRequestFeature>().RawTarget,
                context.Request.Headers.ToDictionary(header => header.Key, header => header.Value.ToString(),
                    StringComparer.OrdinalIgnoreCase), body.ToArray());
            _received.Enqueue(received);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
            if (Respond is { } response)
                await response(context, _received.Count);
        });
    }

    /// <summary>URL for webhooks.</summary>
    public string Url { get; private set; } = "";

    public int Port => new Uri(Url).Port;

    /// <summary>Writes the response, given the number of the request.</summary>
    public Func<HttpContext, int, Task>? Respond { get; set; }

    /// <summary>The received requests, in order.</summary>
    public IReadOnlyList<ReceivedWebhook> Received => [.. _received];

    public static async Task<WebhookReceiver> StartAsync(string ipAddress = "127.0.0.1", int port = 0)
    {
        var receiver = new WebhookReceiver(IPAddress.Parse(ipAddress), port);
        await receiver._app.StartAsync(TestContext.Current.CancellationToken);
        receiver.Url = receiver._app.Services.GetRequiredService<IServer>().Features.GetRequiredFeature<IServerAddressesFeature>().Addresses.Single() + "/hook";
        return receiver;
    }

    /// <summary>Waits for a number of requests, and returns all received ones.</summary>
    public async Task<IReadOnlyList<ReceivedWebhook>> WaitAsync(int count)
    {
        await Poll.UntilAsync(() => Task.FromResult(_received.Count >= count));
        return Received;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}

/// <summary>A received request.</summary>
internal sealed record ReceivedWebhook(string Request, IReadOnlyDictionary<string, string> Headers, byte[] Body)
{
    public string Id => Headers["webhook-id"];

    public System.Text.Json.Nodes.JsonObject Json => System.Text.Json.Nodes.JsonNode.Parse(Body)!.AsObject();

    public string Type => Json.Text("type");
}
