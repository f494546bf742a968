using System.Net;
using System.Net.Sockets;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>Stands between agent and server, and counts the bytes that the server sends, headers and all.</summary>
internal sealed class CountingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Uri _target;
    private readonly Task _accepting;
    private long _received;

    public CountingProxy(Uri target)
    {
        _target = target;
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Bytes from the server to the agent so far.</summary>
    public long Received => Interlocked.Read(ref _received);

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        _listener.Dispose();
        await _accepting;
        _end.Dispose();
    }

    private async Task AcceptAsync()
    {
        var relays = new List<Task>();
        try
        {
            while (true)
                relays.Add(RelayAsync(await _listener.AcceptTcpClientAsync(_end.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or ObjectDisposedException or SocketException)
        {
            await Task.WhenAll(relays);
        }
    }

    private async Task RelayAsync(TcpClient agent)
    {
        using var both = agent;
        using var server = new TcpClient { NoDelay = true };
        agent.NoDelay = true;
        try
        {
            await server.ConnectAsync(IPAddress.Loopback, _target.Port, _end.Token);
            await Task.WhenAny(CopyAsync(agent, server, counted: false), CopyAsync(server, agent, counted: true));
        }
        catch (SocketException)
        {
            // The server is down; the agent sees a closed connection, as it would without a proxy.
        }
    }

    private async Task CopyAsync(TcpClient from, TcpClient to, bool counted)
    {
        var buffer = new byte[64 * 1024];
        try
        {
            int read;
            while ((read = await from.GetStream().ReadAsync(buffer, _end.Token)) > 0)
            {
                if (counted)
                    Interlocked.Add(ref _received, read);
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _end.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One side went; the relay ends.
        }
    }
}
