using System.Net.Sockets;
using System.Text;

namespace Updraft.Server.Tests.Uploads;

/// <summary>Sends raw HTTP/1.1, for requests that client libraries do not send.</summary>
internal sealed class RawHttp : IDisposable
{
    private readonly TcpClient _tcp = new();
    private readonly StringBuilder _received = new();
    private NetworkStream? _stream;

    private RawHttp()
    {
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public static async Task<RawHttp> ConnectAsync(Uri server)
    {
        var http = new RawHttp();
        await http._tcp.ConnectAsync(server.Host, server.Port, Cancellation);
        http._stream = http._tcp.GetStream();
        return http;
    }

    /// <summary>Sends the head of a PUT. The header lines have no line ends.</summary>
    public Task SendHeadAsync(string url, string[] headers, string version = "HTTP/1.1") => SendAsync(Encoding.ASCII.GetBytes(
        $"PUT {new Uri(url).PathAndQuery} {version}\r\nHost: localhost\r\n{string.Concat(headers.Select(line => line + "\r\n"))}\r\n"));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes) => await _stream!.WriteAsync(bytes, Cancellation);

    /// <summary>Sends to a server that may already have responded and closed the connection.</summary>
    public async Task OfferAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await SendAsync(bytes);
        }
        catch (IOException)
        {
            // The response can still be read.
        }
    }

    /// <summary>Ends the sending side of the connection.</summary>
    public void EndSending() => _tcp.Client.Shutdown(SocketShutdown.Send);

    /// <summary>Resets the connection, as a crash does.</summary>
    public void Reset()
    {
        _tcp.LingerState = new LingerOption(enable: true, seconds: 0);
        _tcp.Close();
    }

    /// <summary>Reads until a text has arrived. Returns all text so far.</summary>
    public async Task<string> ReadUntilAsync(string text)
    {
        var buffer = new byte[4096];
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(Cancellation);
        deadline.CancelAfter(TimeSpan.FromSeconds(30));
        while (!_received.ToString().Contains(text, StringComparison.Ordinal))
        {
            var read = await _stream!.ReadAsync(buffer, deadline.Token);
            if (read == 0)
                throw new EndOfStreamException($"Closed after: {_received}");
            _received.Append(Encoding.Latin1.GetString(buffer, 0, read));
        }
        return _received.ToString();
    }

    /// <summary>Reads the head of the response.</summary>
    public async Task<string> ReadHeadAsync()
    {
        var all = await ReadUntilAsync("\r\n\r\n");
        return all[..all.IndexOf("\r\n\r\n", StringComparison.Ordinal)];
    }

    /// <summary>Reads until the connection ends. Returns all text.</summary>
    public async Task<string> ReadToEndAsync()
    {
        try
        {
            return await ReadUntilAsync("\0");
        }
        catch (IOException)
        {
            return _received.ToString();
        }
    }

    public void Dispose() => _tcp.Dispose();
}
