using System.Globalization;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Web;

/// <summary>Makes every address of the pages: below the path of the public address, and never from what a request says.</summary>
internal sealed class PageLinks(IOptions<ServerOptions> options)
{
    /// <summary>The address of a page, from its path; whatever is put into it is escaped.</summary>
    public string To(FormattableString path) => At(string.Format(CultureInfo.InvariantCulture, path.Format,
        [.. path.GetArguments().Select(value => Uri.EscapeDataString(Convert.ToString(value, CultureInfo.InvariantCulture) ?? ""))]));

    /// <summary>The address of a path that is escaped already.</summary>
    public string At(string path) => options.Value.PublicPath() + path;

    /// <summary>The address of the same page with another value in its query; null takes it out.</summary>
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

    /// <summary>An address from outside that may be followed: absolute, and of the web. Null for anything else.</summary>
    public static string? Outside(string? address) => address is not null && !address.Any(c => char.IsControl(c) || char.IsWhiteSpace(c))
        && Uri.TryCreate(address, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.UserInfo.Length == 0
        ? uri.AbsoluteUri : null;
}
