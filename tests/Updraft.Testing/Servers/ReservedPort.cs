using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;

namespace Updraft.Testing;

/// <summary>
/// A loopback port for a server in this process. The socket is open from the start and goes to the server as it is, so that no other
/// program can take the port in between.
/// </summary>
internal sealed class ReservedPort : IDisposable
{
    private Socket? _socket;

    public ReservedPort()
    {
        _socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        _socket.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        // Without this, the kernel may give the same port to a second socket.
        _socket.Listen();
        Number = ((IPEndPoint)_socket.LocalEndPoint!).Port;
    }

    public int Number { get; }

    /// <summary>The socket for the server's first start; a new socket for another endpoint and for later starts.</summary>
    public Socket Open(EndPoint endpoint) =>
        endpoint is IPEndPoint { Port: var port } && port == Number && Interlocked.Exchange(ref _socket, null) is { } reserved
            ? reserved
            : SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);

    public void Dispose() => Interlocked.Exchange(ref _socket, null)?.Dispose();
}
