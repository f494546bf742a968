using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;

namespace Updraft.Testing;

/// <summary>
/// Loopback ports for programs that need to know their port before they start, such as a server and its registry that name each other.
/// The ports are below the range that the kernel hands out, so no connection and no listener on port 0 takes one. A UDP socket with the same
/// number is the lease: other processes that lease ports skip this one until this process ends.
/// </summary>
internal static class LoopbackPort
{
    private const int First = 12_000;
    private static readonly List<Socket> Leases = [];
    private static readonly int Last = int.Parse(
        File.ReadAllText("/proc/sys/net/ipv4/ip_local_port_range").Split('\t', ' ')[0], System.Globalization.CultureInfo.InvariantCulture) - 1;

    /// <summary>Leases a port until this process ends.</summary>
    public static int Lease()
    {
        while (true)
        {
            var endpoint = new IPEndPoint(IPAddress.Loopback, RandomNumberGenerator.GetInt32(First, Math.Max(First + 1000, Last)));
            var lease = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp);
            try
            {
                lease.Bind(endpoint);
                using var tcp = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                tcp.Bind(endpoint);
                tcp.Listen();
            }
            catch (SocketException)
            {
                lease.Dispose();
                continue;
            }
            lock (Leases)
                Leases.Add(lease);
            return endpoint.Port;
        }
    }

    /// <summary>A leased port as the URL of an HTTP server.</summary>
    public static Uri LeaseUrl() => new($"http://127.0.0.1:{Lease()}");
}
