using System.Net;
using System.Net.Sockets;

namespace Updraft.Testing;

/// <summary>Forwards connections to a server on loopback and counts the bytes, headers included.</summary>
internal sealed class Relay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly int _target;
    private readonly Task _accepting;
    private readonly bool _isPatient;
    private long _sent, _received, _emptyWaits;

    /// <param name="target">URL of the server.</param>
    /// <param name="isPatient">Whether agents wait for a change for 55 seconds instead of 30: almost as long as they wait for any response.</param>
    public Relay(Uri target, bool isPatient = false)
        : this(target.Port, isPatient)
    {
    }

    /// <param name="port">Port of the server.</param>
    /// <param name="isPatient">As above.</param>
    public Relay(int port, bool isPatient = false)
    {
        (_target, _isPatient) = (port, isPatient);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public Uri Address => new($"http://127.0.0.1:{Port}");

    /// <summary>Bytes from the server to clients so far.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>Bytes in both directions so far.</summary>
    public long Passed => Interlocked.Read(ref _sent) + Received;

    /// <summary>How often the server responded 204: a wait ended without a change.</summary>
    public long EmptyWaits => Interlocked.Read(ref _emptyWaits);

    /// <summary>Waits until no bytes pass for half a second.</summary>
    public async Task RestAsync()
    {
        long before;
        do
        {
            before = Passed;
            await Task.Delay(500);
        }
        while (Passed != before);
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var connections = new List<Task>();
        try
        {
            while (true)
                connections.Add(ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(connections);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var both = client;
        using var server = new TcpClient { NoDelay = true };
        client.NoDelay = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target, _end.Token);
            await Task.WhenAny(CopyAsync(client, server, fromServer: false), CopyAsync(server, client, fromServer: true));
        }
        catch (Exception exception) when (exception is SocketException or OperationCanceledException)
        {
            // The server is down; the client gets a closed connection, as it would without a relay.
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, bool fromServer)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.GetStream().ReadAsync(buffer, _end.Token)) > 0)
            {
                if (fromServer)
                    Count(buffer.AsSpan(0, read));
                else
                    Interlocked.Add(ref _sent, read);
                if (!fromServer && _isPatient && buffer.AsSpan(0, read).IndexOf("&wait=30 "u8) is var at and >= 0)
                    "&wait=55 "u8.CopyTo(buffer.AsSpan(at));
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _end.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One side closed; the connection ends.
        }
    }

    private void Count(ReadOnlySpan<byte> response)
    {
        Interlocked.Add(ref _received, response.Length);
        if (response.StartsWith("HTTP/1.1 204 "u8))
            Interlocked.Increment(ref _emptyWaits);
    }
}
