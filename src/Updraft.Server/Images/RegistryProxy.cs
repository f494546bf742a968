using System.Net;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Core.Features;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;
using Yarp.ReverseProxy.Forwarder;

namespace Updraft.Server.Images;

/// <summary>
/// Forwards <c>/v2/</c> to the registry, so that clients need no second URL. It forwards only operations of the Distribution API, and
/// only for repositories with names of Updraft. The registry verifies the token. The proxy buffers and stores nothing.
/// </summary>
internal sealed class RegistryProxy(IHttpForwarder forwarder, IOptions<ServerOptions> server, IOptions<ImageOptions> options) : IDisposable
{
    // A registry sends nothing for minutes while it moves a layer of many gigabytes in its store.
    private static readonly ForwarderRequestConfig Request =
        new() { ActivityTimeout = TimeSpan.FromMinutes(15), Version = HttpVersion.Version11 };

    // A client may pause for a long time while it compresses a layer. The limit only stops clients that send almost nothing.
    private static readonly MinDataRate SlowestBody = new(bytesPerSecond: 240, gracePeriod: TimeSpan.FromMinutes(2));

    private readonly HttpMessageInvoker _client = new(new SocketsHttpHandler
    {
        UseProxy = false,
        UseCookies = false,
        AllowAutoRedirect = false,
        AutomaticDecompression = DecompressionMethods.None,
        ActivityHeadersPropagator = null,
        ConnectTimeout = TimeSpan.FromSeconds(10),
        // A registry may move to another host under the same name.
        PooledConnectionLifetime = TimeSpan.FromMinutes(5),
    });

    private readonly RegistryHeaders _headers = new(new Uri(server.Value.PublicUrl));

    public async Task RunAsync(HttpContext context)
    {
        if (!options.Value.IsProxied)
        {
            await RegistryRejection.WriteAsync(context, ImageErrors.NotProxied, "UNSUPPORTED",
                $"This server does not forward requests to the image registry. Use {server.Value.Registry}, or let an operator set "
                    + "Images:RegistryUrl.");
            return;
        }
        if (context.Request.Path.StartsWithSegments("/v2/_catalog", StringComparison.Ordinal))
        {
            await RegistryRejection.WriteAsync(context, ImageErrors.UnknownRegistryOperation, "UNSUPPORTED",
                "The registry has no list of all repositories. Each Deployment has one repository: 'imageRepository' of the Deployment.");
            return;
        }
        // The forwarded path is the checked path, and it has no character that the registry could interpret differently.
        if (!RegistryPaths.Has(context.Request.Method, context.Request.Path.Value!))
        {
            await RegistryRejection.WriteAsync(context, ImageErrors.UnknownRegistryOperation, "UNSUPPORTED",
                $"The registry has no operation {ApiException.Shorten(context.Request.Method)} "
                    + $"{ApiException.Shorten(context.Request.Path.Value!)}. "
                + "Repositories are named ORGANIZATION/DEPLOYMENT, as in 'imageRepository' of the Deployment.");
            return;
        }
        if (HttpMethods.IsDelete(context.Request.Method))
        {
            // The registry would reject the token with a 401, and clients would log in again and again.
            context.Response.Headers.Allow = RegistryPaths.AllowedInsteadOfDelete(context.Request.Path.Value!);
            await RegistryRejection.WriteAsync(context, ImageErrors.DeletionUnsupported, "UNSUPPORTED",
                "Clients cannot delete from the registry, and no login changes that. The server deletes images that no deploy needs after "
                + "Images:KeepFor, and the registry removes unfinished uploads.");
            return;
        }
        LiftLimits(context);
        // The registry supports no upgrade to another protocol.
        context.Request.Headers.Upgrade = default;
        var error = await forwarder.SendAsync(context, options.Value.RegistryUrl!.TrimEnd('/'), _client, Request, _headers);
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return;
        if (error == ForwarderError.None)
            // Otherwise ApiErrors would add a body to an error that the registry sent without one.
            await context.Response.StartAsync();
        else
            await RegistryRejection.WriteAsync(context, RequestErrors.OfStatus(context.Response.StatusCode), context.Response.StatusCode,
                context.Response.StatusCode < 500 ? "UNKNOWN" : "UNAVAILABLE", Explain(context.Response.StatusCode));
    }

    public void Dispose() => _client.Dispose();

    private static string Explain(int status) => status switch
    {
        StatusCodes.Status504GatewayTimeout => "The image registry did not respond in time. Send the request again.",
        >= 500 => "The server lost the connection to the image registry, or could not open it. The server's log has the cause.",
        StatusCodes.Status408RequestTimeout => "The request body arrived too slowly. Send it again over a faster connection.",
        _ => "The request body is incomplete or malformed. Send the request again.",
    };

    /// <summary>Removes the server's limits of size and rate. The registry has its own limits for layers.</summary>
    private static void LiftLimits(HttpContext context)
    {
        if (context.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
            size.MaxRequestBodySize = null;
        // Kestrel has no rate for a single HTTP/2 request, and throws if one is set.
        if (!HttpProtocol.IsHttp2(context.Request.Protocol) && context.Features.Get<IHttpMinRequestBodyDataRateFeature>() is { } rate)
            rate.MinDataRate = SlowestBody;
    }
}
