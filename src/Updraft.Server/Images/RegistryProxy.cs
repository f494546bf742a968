using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Yarp.ReverseProxy.Forwarder;

namespace Updraft.Server.Images;

/// <summary>
/// Hands <c>/v2/</c> on to the registry, so that images need no second address. Only what the Distribution API has is handed on, and only
/// for repositories as Updraft names them. The registry judges the token; nothing is judged, buffered or kept here.
/// </summary>
internal sealed class RegistryProxy(IHttpForwarder forwarder, IOptions<ServerOptions> server, IOptions<ImageOptions> options) : IDisposable
{
    // A registry that moves a layer of many gigabytes in its store says nothing for minutes.
    private static readonly ForwarderRequestConfig Request = new() { ActivityTimeout = TimeSpan.FromMinutes(15), Version = HttpVersion.Version11 };

    // A client that compresses while it sends may pause for long; whoever never sends anything is cut off.
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromMinutes(2));

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        // A registry may move to another machine under the same name.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    private readonly RegistryHeaders _headers = new(new Uri(server.Value.PublicUrl));

    /// <summary>Answers a request below <c>/v2</c>.</summary>
    public async Task RunAsync(HttpContext context)
    {
        if (!options.Value.IsProxied)
        {
            await RegistryRejection.WriteAsync(context, StatusCodes.Status404NotFound, "UNSUPPORTED",
                $"This is not the image registry; that is {server.Value.Registry}. The operator can make it both with Images:RegistryUrl.");
            return;
        }
        // What is handed on is the path that was looked at, and it holds nothing that could be read in another way.
        if (!RegistryPaths.Has(context.Request.Method, context.Request.Path.Value!))
        {
            await RegistryRejection.WriteAsync(context, StatusCodes.Status404NotFound, "UNSUPPORTED",
                $"The registry has no {ApiException.Shorten(context.Request.Method)} {ApiException.Shorten(context.Request.Path.Value!)} here. "
                + "Images lie in ORGANIZATION/DEPLOYMENT, as the Deployment's imageRepository says.");
            return;
        }
        LiftLimits(context);
        // The registry has no other protocol to switch to.
        context.Request.Headers.Upgrade = default;
        var error = await forwarder.SendAsync(context, options.Value.RegistryUrl!.TrimEnd('/'), _client, Request, _headers);
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return;
        if (error == ForwarderError.None)
            // An error without a body is left as the registry sent it.
            await context.Response.StartAsync();
        else
            await RegistryRejection.WriteAsync(context, context.Response.StatusCode, context.Response.StatusCode < 500 ? "UNKNOWN" : "UNAVAILABLE",
                Explain(context.Response.StatusCode));
    }

    public void Dispose() => _client.Dispose();

    private static string Explain(int status) => status switch
    {
        StatusCodes.Status504GatewayTimeout => "The image registry behind this server does not answer in time.",
        >= 500 => "The image registry behind this server cannot be reached, or broke off; the server's log says more.",
        StatusCodes.Status408RequestTimeout => "The body came too slowly.",
        _ => "The body broke off or is malformed.",
    };

    /// <summary>Layers are as large and as slow as they are; the registry's operator decides about that.</summary>
    private static void LiftLimits(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        // Kestrel has no rate for a single HTTP/2 request, and throws when one is set.
        if (!HttpProtocol.IsHttp2(context.Request.Protocol) && context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = SlowestBody;
    }
}
