namespace Updraft.Server.Api;

/// <summary>The client of a request, for logs and events. Both values come from the network: show them as text only.</summary>
internal static class RequestClient
{
    /// <summary>
    /// IP address of the client. If a proxy in <see cref="ServerOptions.TrustedProxies"/> forwarded the request, it is the IP address that
    /// this proxy reports. Empty for a request without a network connection.
    /// </summary>
    public static string Address(HttpContext context)
    {
        var address = context.Connection.RemoteIpAddress;
        return address is null ? "" : (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString();
    }

    /// <summary>The header <c>User-Agent</c>, shortened; empty without one.</summary>
    public static string UserAgent(HttpContext context) => ApiException.Shorten(context.Request.Headers.UserAgent.ToString());
}
