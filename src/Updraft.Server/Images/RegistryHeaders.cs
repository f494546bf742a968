using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Updraft.Server.Images;

/// <summary>
/// Which headers pass between a client and the registry. Of a request those that the Distribution API reads: neither the cookie of a
/// sign-in, nor what a client says about who forwards for whom.
/// </summary>
/// <param name="publicUrl">Where clients are: the registry makes addresses for them out of it, also behind a proxy that ends TLS.</param>
internal sealed class RegistryHeaders(Uri publicUrl) : HttpTransformer
{
    private static readonly string[] Passed =
    [
        HeaderNames.Accept, HeaderNames.AcceptEncoding, HeaderNames.Authorization, HeaderNames.ContentEncoding, HeaderNames.ContentLength,
        HeaderNames.ContentRange, HeaderNames.ContentType, HeaderNames.IfMatch, HeaderNames.IfModifiedSince, HeaderNames.IfNoneMatch,
        HeaderNames.IfRange, HeaderNames.Range, HeaderNames.UserAgent,
    ];

    public override ValueTask TransformRequestAsync(HttpContext httpContext, HttpRequestMessage proxyRequest, string destinationPrefix,
        CancellationToken cancellationToken)
    {
        var headers = httpContext.Request.Headers;
        foreach (var name in Passed)
        {
            // Two frames for one body would be two bodies; the chunks count.
            if (name == HeaderNames.ContentLength && headers.ContainsKey(HeaderNames.TransferEncoding))
                continue;
            if (headers.TryGetValue(name, out var values) && !proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                proxyRequest.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        proxyRequest.Headers.Host = publicUrl.Authority;
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Proto", publicUrl.Scheme);
        proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-Host", publicUrl.Authority);
        if (httpContext.Connection.RemoteIpAddress is { } address)
            proxyRequest.Headers.TryAddWithoutValidation("X-Forwarded-For", address.ToString());
        return ValueTask.CompletedTask;
    }

    public override async ValueTask<bool> TransformResponseAsync(HttpContext httpContext, HttpResponseMessage? proxyResponse,
        CancellationToken cancellationToken)
    {
        var isAnswered = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        // The registry shares its address with the API now: what lies in it is no page of this server and sets no cookies for it.
        var headers = httpContext.Response.Headers;
        headers.Remove(HeaderNames.SetCookie);
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        return isAnswered;
    }
}
