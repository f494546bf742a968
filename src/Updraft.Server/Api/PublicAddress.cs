using System.Net;
using System.Net.Sockets;

namespace Updraft.Server.Api;

/// <summary>Tells IP addresses of the public Internet from those of private networks.</summary>
internal static class PublicAddress
{
    // IANA's registries of special-purpose IP addresses, which are not part of the public Internet.
    private static readonly IPNetwork[] Special =
    [
        .. ((string[])
        [
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24",
            "192.31.196.0/24", "192.52.193.0/24", "192.88.99.0/24", "192.168.0.0/16", "192.175.48.0/24", "198.18.0.0/15", "198.51.100.0/24",
            "203.0.113.0/24", "224.0.0.0/4", "240.0.0.0/4",
        ]).Select(network => IPNetwork.Parse(network)),
    ];

    // IANA assigns only 2000::/3 of IPv6 for the Internet.
    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");

    // Special-purpose networks inside 2000::/3, and networks whose IP addresses contain an IPv4 address.
    private static readonly IPNetwork[] SpecialGlobal =
        [.. ((string[])["2001::/23", "2001:db8::/32", "2002::/16", "2620:4f:8000::/48", "3fff::/20"])
            .Select(network => IPNetwork.Parse(network))];

    /// <summary>Whether an IP address belongs to the public Internet.</summary>
    public static bool IsPublic(IPAddress address)
    {
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        return address.AddressFamily switch
        {
            AddressFamily.InterNetwork => !Array.Exists(Special, network => network.Contains(address)),
            AddressFamily.InterNetworkV6 => address.ScopeId == 0 && Global.Contains(address)
                && !Array.Exists(SpecialGlobal, network => network.Contains(address)),
            _ => false,
        };
    }
}
