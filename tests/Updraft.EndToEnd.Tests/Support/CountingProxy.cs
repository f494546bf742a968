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
    private readonly bool _isPatient;
    private long _received, _emptyWaits;

    /// <param name="target">The server.</param>
    /// <param name="isPatient">Whether agents wait for news for 55 seconds instead of 30: almost what they wait for any answer.</param>
    public CountingProxy(Uri target, bool isPatient = false)
    {
        (_target, _isPatient) = (target, isPatient);
        _listener.Start();
        Address = new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}");
        _accepting = AcceptAsync();
    }

    public Uri Address { get; }

    /// <summary>Bytes from the server to the agent so far.</summary>
    public long Received => Interlocked.Read(ref _received);

    /// <summary>How often a wait ended without news.</summary>
    public long EmptyWaits => Interlocked.Read(ref _emptyWaits);

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
                    Count(buffer.AsSpan(0, read));
                else if (_isPatient && buffer.AsSpan(0, read).IndexOf("&wait=30 "u8) is var at and >= 0)
                    "&wait=55 "u8.CopyTo(buffer.AsSpan(at));
                await to.GetStream().WriteAsync(buffer.AsMemory(0, read), _end.Token);
            }
        }
        catch (Exception exception) when (exception is IOException or OperationCanceledException or ObjectDisposedException or InvalidOperationException)
        {
            // One side went; the relay ends.
        }
    }

    private void Count(ReadOnlySpan<byte> answer)
    {
        Interlocked.Add(ref _received, answer.Length);
        if (answer.StartsWith("HTTP/1.1 204 "u8))
            Interlocked.Increment(ref _emptyWaits);
    }
}
