using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Webhooks;

/// <summary>Looks a host up. A delegate, so that whoever runs a resolver of his own can put it here; the system's by default.</summary>
internal delegate Task<IPAddress[]> ResolveHost(string host, CancellationToken cancellationToken);

/// <summary>The address leads to where webhooks must not lead.</summary>
internal sealed class BlockedAddressException(string host) : IOException($"'{host}' leads to no address that webhooks may reach.");

/// <summary>
/// Keeps webhooks out of the networks around the server. What an address says is checked when it is written down, so that its writer learns of it;
/// what decides is the address that is connected to, whatever a name meant before.
/// </summary>
internal sealed class AddressGuard(IOptions<WebhookOptions> options, ResolveHost resolve)
{
    /// <summary>Longest address, in characters.</summary>
    public const int MaxUrl = 2048;

    private const string Setting = "The operator can allow it with Webhooks:AllowedNetworks.";

    // What is not the public Internet: IANA's registries of special-purpose addresses, and what contains an address of the other kind.
    private static readonly IPNetwork[] Special =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ]).Select(network => IPNetwork.Parse(network)),
    ];

    // Of IPv6 only 2000::/3 is given out for the Internet; these are exceptions inside of it.
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");

    private static readonly IPNetwork[] SpecialInside =
        [.. ((string[])["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"]).Select(network => IPNetwork.Parse(network))];

    /// <summary>Whether an address belongs to the public Internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !Array.Exists(Special, network => network.Contains(address)),
            AddressFamily.InterNetworkV6 => address.ScopeId == 0 && Global.Contains(address)
                && !Array.Exists(SpecialInside, network => network.Contains(address)),
            _ => false,
        };
    }

    /// <summary>Checks an address that somebody writes down.</summary>
    /// <returns>The address in its plain form.</returns>
    /// <exception cref="ApiException">400: it is no address of the web, has a user or password, or leads where webhooks must not.</exception>
    public Uri Check(string? url)
    {
        if (string.IsNullOrEmpty(url))
            throw ApiException.BadRequest("'url' is missing; it names where events are sent.");
        if (url.Length > MaxUrl)
            throw ApiException.BadRequest($"'url' has {url.Length} characters; at most {MaxUrl} are allowed.");
        if (url.Any(c => char.IsControl(c) || char.IsWhiteSpace(c)) || url.Contains('\\', StringComparison.Ordinal)
            || !Uri.TryCreate(url, UriKind.Absolute, out var uri) || uri.Scheme is not ("https" or "http") || HostOf(uri).Length == 0)
            throw ApiException.BadRequest("'url' must be an address such as https://example.org/hooks/updraft.");
        if (uri.UserInfo.Length > 0 || uri.Fragment.Length > 0 || Authority(url).Contains('@'))
            throw ApiException.BadRequest("'url' must have no user, no password and no fragment; what is sent is signed instead.");
        if (Problem(uri) is { } problem)
            throw ApiException.BadRequest($"'url' {problem} {Setting}");
        return uri;
    }

    /// <summary>What is wrong with an address as it is written; null when only the look-up can tell.</summary>
    public string? Problem(Uri uri)
    {
        var host = HostOf(uri);
        var isListed = options.Value.Allows(host);
        if (!IPAddress.TryParse(host, out var literal))
            return uri.Scheme == Uri.UriSchemeHttps || isListed ? null : "must begin with https://.";
        isListed |= options.Value.Allows(literal);
        if (!isListed && !IsPublic(literal))
            return "leads to an address that is not of the public Internet.";
        return uri.Scheme == Uri.UriSchemeHttps || isListed ? null : "must begin with https://.";
    }

    /// <summary>Connects to a host, at an address that was checked: the one that is connected to, not one that is looked up once more.</summary>
    /// <exception cref="BlockedAddressException">It has no address that webhooks may reach.</exception>
    public async ValueTask<Stream> ConnectAsync(SocketsHttpConnectionContext context, CancellationToken cancellationToken)
    {
        var (host, port) = (context.DnsEndPoint.Host, context.DnsEndPoint.Port);
        var found = IPAddress.TryParse(host, out var literal) ? [literal] : await resolve(host, cancellationToken);
        var isListed = options.Value.Allows(host);
        var allowed = Array.FindAll(found, address => isListed || IsPublic(address) || options.Value.Allows(Plain(address)));
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

    // As it was written: an empty user is gone once it is read.
    private static ReadOnlySpan<char> Authority(string url)
    {
        var rest = url.AsSpan(url.IndexOf("//", StringComparison.Ordinal) + 2);
        return rest.IndexOfAny('/', '?', '#') is var end and >= 0 ? rest[..end] : rest;
    }

    // As it is connected to: names in other scripts in their ASCII form, IPv6 without brackets.
    private static string HostOf(Uri uri) => uri.IdnHost;

    private static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
}
