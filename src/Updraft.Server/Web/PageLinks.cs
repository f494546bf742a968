using System.Globalization;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>Creates every URL in the web UI. All start with the path of <c>PublicUrl</c> or with its host; request headers have no influence.</summary>
internal sealed class PageLinks(IOptions<ServerOptions> options)
{
    /// <summary>The URL of a page from its path; escapes all interpolated values.</summary>
    public string To(FormattableString path) => At(string.Format(CultureInfo.InvariantCulture, path.Format,
        [.. path.GetArguments().Select(value => Uri.EscapeDataString(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""))]));

    /// <summary>As <see cref="To"/>, with the host of <c>PublicUrl</c>, for a request that may have arrived at another host.</summary>
    public string AtPublicHost(FormattableString path) =>
        new Uri(options.Value.PublicUrl).GetLeftPart(UriPartial.Authority) + To(path);

    /// <summary>The URL of a path that is already escaped.</summary>
    public string At(string path) => options.Value.PublicPath() + path;

    /// <summary>The URL of the current page with a changed value in its query; null removes the value.</summary>
    /// <param name="request">The request for the current page.</param>
    /// <param name="name">Name of the value to change.</param>
    /// <param name="value">The new value, or null.</param>
    /// <param name="without">Names of further values to remove.</param>
    public string With(HttpRequest request, string name, string? value, params ReadOnlySpan<string> without)
    {
        var query = new QueryString();
        foreach (var (key, values) in request.Query)
        {
            if (key != name && !without.Contains(key) && !string.IsNullOrEmpty(values))
                query = query.Add(key, values.ToString());
        }
        if (value is not null)
            query = query.Add(name, value);
        return At(request.Path.ToUriComponent() + query.ToUriComponent());
    }

    /// <summary>A URL from a client if it is safe as a link: absolute, http or https, without user information. Otherwise null.</summary>
    public static string? External(string? url) => url is not null && !url.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
        && Uri.TryCreate(url, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
        ? uri.AbsoluteUri : null;
}
