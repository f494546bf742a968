using System.Net;

namespace Updraft.Rigs;

/// <summary>A request body that calls <paramref name="sent"/> after its first part.</summary>
internal sealed class HalvedContent(byte[] body, int half, Action sent) : HttpContent
{
    protected override async Task SerializeToStreamAsync(Stream stream, TransportContext? context)
    {
        await stream.WriteAsync(body.AsMemory(0, half));
        await stream.FlushAsync();
        sent();
        await Task.Yield();
        await stream.WriteAsync(body.AsMemory(half));
    }

    protected override bool TryComputeLength(out long length)
    {
        length = body.Length;
        return true;
    }
}
