using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Webhooks;

/// <summary>Resolves a host name. A delegate, so that tests can replace the resolver of the system.</summary>
internal delegate Task<IPAddress[]> ResolveHost(string host, CancellationToken cancellationToken);

/// <summary>A host has no IP address that webhooks may reach.</summary>
internal sealed class BlockedAddressException(string host) : IOException($"'{host}' has no IP address that webhooks may reach.");

/// <summary>
/// Keeps webhooks out of private networks. The check of a URL when a user saves it only gives early feedback. The check of the IP
/// address of each connection decides, because a name can resolve to another IP address later.
/// </summary>
internal sealed class AddressGuard(IOptions<WebhookOptions> options, ResolveHost resolve)
{
    /// <summary>Maximum length of a URL in UTF-16 code units.</summary>
    public const int MaxUrl = 2048;

    private const string Setting = "An operator can allow it with Webhooks:AllowedNetworks.";

    /// <summary>Checks the URL of a request.</summary>
    /// <returns>The URL in its normal form.</returns>
    /// <exception cref="ApiException">
    /// 400: the text is not an http or https URL, has a user or password, or names a host that webhooks may not reach.
    /// </exception>
    public Uri Check(string? url)
    {
        if (string.IsNullOrEmpty(url))
            throw ApiException.BadRequest("'url' is missing. Send the URL that receives the events.");
        if (url.Length > MaxUrl)
            throw ApiException.BadRequest($"'url' has {url.Length} characters. It may have at most {MaxUrl}.");
        if (url.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) || url.Contains('\\', StringComparison.Ordinal)
            || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http") || HostOf(uri).Length == 0)
            throw ApiException.BadRequest("'url' is not a URL. Send a URL such as https://example.org/hooks/updraft.");
        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || Authority(url).Contains('@'))
            throw ApiException.BadRequest("'url' must have no user, no password and no fragment. Verify the signature of the requests "
                + "instead.");
        if (FindProblem(uri) is { } problem)
            throw new ApiException(WebhookErrors.UrlBlocked, $"'url' {problem} {Setting}");
        return uri;
    }

    /// <summary>The rule that a URL breaks; null if it breaks none, or if only name resolution can show it.</summary>
    public string? FindProblem(Uri uri)
    {
        var host = HostOf(uri);
        var isListed = options.Value.Allows(host);
        if (!IPAddress.TryParse(host, out var literal))
            return uri.Scheme == Uri.UriSchemeHttps || isListed ? null : "must start with https://.";
        isListed |= options.Value.Allows(literal);
        if (!isListed && !PublicAddress.IsPublic(literal))
            return "has an IP address that does not belong to the public Internet.";
        return uri.Scheme == Uri.UriSchemeHttps || isListed ? null : "must start with https://.";
    }

    /// <summary>Connects to a host by the IP address that was checked. A second name resolution could return another one.</summary>
    /// <exception cref="BlockedAddressException">The host has no IP address that webhooks may reach.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var found = IPAddress.TryParse(host, out var literal) ? [literal] : await resolve(host, cancellationToken);
        var isListed = options.Value.Allows(host);
        var allowed = Array.FindAll(found, address => isListed || PublicAddress.IsPublic(address) || options.Value.Allows(ToIPv4(address)));
        if (allowed.Length == 0)
            throw found.Length == 0 ? new SocketException((int)SocketError.HostNotFound) : new BlockedAddressException(host);
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(allowed, port, cancellationToken);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    // From the text, because Uri drops an empty user.
    private static ReadOnlySpan<char> Authority(string url)
    {
        var rest = url.AsSpan(url.IndexOf("//", StringComparison.Ordinal) + 2);
        return rest.IndexOfAny('/', '?', '#') is var end and >= 0 ? rest[..end] : rest;
    }

    // As in the connection: international names in their ASCII form, IPv6 without brackets.
    private static string HostOf(Uri uri) => uri.IdnHost;

    private static IPAddress ToIPv4(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
