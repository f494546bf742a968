using Microsoft.Net.Http.Headers;
using Yarp.ReverseProxy.Forwarder;

namespace Updraft.Server.Images;

/// <summary>
/// Selects the headers that pass between a client and the registry. Of a request, only headers that the Distribution API reads pass;
/// cookies and the client's own <c>X-Forwarded-*</c> headers do not. Of a response, headers that act in the name of this server do not
/// pass. Otherwise the registry could name another token service, and clients would send their API tokens there.
/// </summary>
/// <param name="publicUrl">The public URL, from which the registry builds the URLs in its responses.</param>
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
            // A request must not have two lengths, which proxies interpret differently. The chunked encoding wins.
            if (name == HeaderNames.ContentLength && headers.ContainsKey(HeaderNames.TransferEncoding))
                continue;
            if (headers.TryGetValue(name, out var values)
                && !proxyRequest.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values))
                proxyRequest.Content?.Headers.TryAddWithoutValidation(name, (IEnumerable<string?>)values);
        }
        // Only bearer tokens pass. A password is for the token service, not for the registry.
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
        var copiesBody = await base.TransformResponseAsync(httpContext, proxyResponse, cancellationToken);
        // The registry shares its origin with the API. So its content must not run as a page of this server, or set cookies.
        var headers = httpContext.Response.Headers;
        headers.Remove(HeaderNames.SetCookie);
        if (headers.WWWAuthenticate is { Count: > 0 } challenge)
            headers.WWWAuthenticate = Challenge(challenge.ToString());
        headers.XContentTypeOptions = "nosniff";
        headers.ContentSecurityPolicy = "default-src 'none'; sandbox";
        if (!copiesBody || proxyResponse is null || !CopyRegistryError.Applies(httpContext, proxyResponse))
            return copiesBody;
        await CopyRegistryError.RunAsync(httpContext, proxyResponse, cancellationToken);
        return false;
    }

    /// <summary>The registry's challenge with its parameters, but with the token service of this server.</summary>
    private string Challenge(string original)
    {
        var challenge = $"{Bearer}realm=\"{publicUrl.AbsoluteUri.TrimEnd('/')}/registry/token\"";
        foreach (var name in (string[])["service", "scope", "error"])
        {
            var start = original.IndexOf(name + "=\"", StringComparison.Ordinal) + name.Length + 2;
            var end = start > name.Length + 1 ? original.IndexOf('"', start) : -1;
            if (end >= 0)
                challenge += $",{name}=\"{original[start..end]}\"";
        }
        return challenge;
    }
}
