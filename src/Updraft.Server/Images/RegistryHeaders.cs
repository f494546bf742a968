using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Updraft.Server.Images;

/// <summary>
/// Which headers pass between a client and the registry. Of a request those that the Distribution API reads: neither the cookie of a
/// sign-in, nor what a client says about who forwards for whom. Of an answer all but what would let the registry speak for this server:
/// it could otherwise name another place to log in at, and clients would send their API tokens there.
/// </summary>
/// <param name="publicUrl">Where clients are: the registry makes addresses for them out of it, also behind a proxy that ends TLS.</param>
internal sealed class RegistryHeaders(Uri publicUrl) : HttpTransformer
{
    private const string Bearer = "Bearer ";

    private static readonly string[] Passed =
    [
        HeaderNames.Accept, HeaderNames.AcceptEncoding, HeaderNames.ContentEncoding, HeaderNames.ContentLength,
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
        // A password is for the token service alone.
        if (headers.Authorization is [{ } authorization] && authorization.StartsWith(Bearer, StringComparison.OrdinalIgnoreCase))
            proxyRequest.Headers.TryAddWithoutValidation(HeaderNames.Authorization, authorization);
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
        if (headers.WWWAuthenticate is { Count: > 0 } challenge)
            headers.WWWAuthenticate = Challenge(challenge.ToString());
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        return isAnswered;
    }

    /// <summary>The registry's question for a token, with what it says about the token and with this server's place to get it.</summary>
    private string Challenge(string asked)
    {
        var challenge = $"{Bearer}realm=\"{publicUrl.AbsoluteUri.TrimEnd('/')}/registry/token\"";
        foreach (var name in (string[])["service", "scope", "error"])
        {
            var start = asked.IndexOf(name + "=\"", StringComparison.Ordinal) + name.Length + 2;
            var end = start > name.Length + 1 ? asked.IndexOf('"', start) : -1;
            if (end >= 0)
                challenge += $",{name}=\"{asked[start..end]}\"";
        }
        return challenge;
    }
}
