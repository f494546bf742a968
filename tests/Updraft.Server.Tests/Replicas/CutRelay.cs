using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Updraft.Server.Tests.Replicas;

/// <summary>A relay between servers and their PostgreSQL. It breaks the connection that carries a given message of PostgreSQL.</summary>
internal sealed class CutRelay : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly ConcurrentBag<Task> _connections = [];
    private readonly CancellationTokenSource _isOver = new();
    private readonly UnixDomainSocketEndPoint _postgres;
    private readonly Task _accepting;
    private long _left = long.MaxValue;
    private int _cuts;

    /// <param name="socketFolder">Directory of PostgreSQL's socket.</param>
    public CutRelay(string socketFolder)
    {
        _postgres = new UnixDomainSocketEndPoint(Path.Join(socketFolder, ".s.PGSQL.5432"));
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Number of broken connections.</summary>
    public int Cuts => Volatile.Read(ref _cuts);

    /// <summary>Breaks one connection after this number of further messages on all connections.</summary>
    public void CutAfter(long messages) => Volatile.Write(ref _left, messages);

    public async ValueTask DisposeAsync()
    {
        await _isOver.CancelAsync();
        _listener.Stop();
        await _accepting;
        await Task.WhenAll(_connections);
        _listener.Dispose();
        _isOver.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
                _connections.Add(ServeAsync(await _listener.AcceptSocketAsync(_isOver.Token)));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The test has ended.
        }
    }

    private async Task ServeAsync(Socket server)
    {
        using var accepted = server;
        using var postgres = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await postgres.ConnectAsync(_postgres, _isOver.Token);
            await await Task.WhenAny(AskAsync(server, postgres), ForwardResponsesAsync(postgres, server));
        }
        catch (Exception exception) when (exception is OperationCanceledException or SocketException)
        {
            // One side closed the connection.
        }
    }

    private async Task AskAsync(Socket server, Socket postgres)
    {
        var buffer = new byte[16 * 1024];
        while (await server.ReceiveAsync(buffer, _isOver.Token) is > 0 and var read)
            await SendAsync(postgres, buffer.AsMemory(0, read));
    }

    // A message consists of a letter, a length that includes itself, and the content.
    private async Task ForwardResponsesAsync(Socket postgres, Socket server)
    {
        var (buffer, held) = (new byte[256 * 1024], 0);
        while (await postgres.ReceiveAsync(buffer.AsMemory(held), _isOver.Token) is > 0 and var read)
        {
            held += read;
            var whole = 0;
            while (held - whole >= 5
                && BinaryPrimitives.ReadInt32BigEndian(buffer.AsSpan(whole + 1)) + 1 is var length && held - whole >= length)
            {
                if (Volatile.Read(ref _left) < long.MaxValue && Interlocked.Decrement(ref _left) == -1)
                {
                    await SendAsync(server, buffer.AsMemory(0, whole));
                    Interlocked.Increment(ref _cuts);
                    return;
                }
                whole += length;
            }
            await SendAsync(server, buffer.AsMemory(0, whole));
            buffer.AsSpan(whole, held - whole).CopyTo(buffer);
            held -= whole;
        }
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await to.SendAsync(bytes, _isOver.Token)..];
    }
}
