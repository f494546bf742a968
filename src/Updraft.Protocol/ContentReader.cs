using ZstdSharp;

namespace Updraft.Protocol;

/// <summary>
/// Reads contents one after another, as <see cref="PackReader.CopyVerified"/> does. Small ones, which most are, go in one piece through
/// the same decompressor and buffers: preparing these takes longer than such a content itself. Not safe for concurrent use.
/// </summary>
public sealed class ContentReader : IDisposable
{
    private const int MaxSmall = 128 * 1024;

    private readonly Decompressor _decompressor = new();
    private readonly byte[] _frame = new byte[Compressor.GetCompressBound(MaxSmall)];
    private readonly byte[] _content = new byte[MaxSmall];

    /// <summary>Decompresses one content and checks it.</summary>
    /// <param name="frame">Exactly the bytes of the content's zstd frame.</param>
    /// <param name="length">How many these are.</param>
    /// <param name="size">The content's length, from the manifest.</param>
    /// <param name="content">The content's digest, from the manifest.</param>
    /// <param name="destination">Receives the content. On an exception it holds rubbish that must be thrown away.</param>
    /// <exception cref="InvalidDataException">The frame is damaged, or holds another content.</exception>
    public void CopyVerified(Stream frame, long length, long size, Digest content, Stream destination)
    {
        ArgumentNullException.ThrowIfNull(frame);
        ArgumentNullException.ThrowIfNull(destination);
        if (size > MaxSmall || length > _frame.Length)
        {
            PackReader.CopyVerified(frame, size, content, destination);
            return;
        }
        var bytes = _content.AsSpan(0, (int)size);
        try
        {
            frame.ReadExactly(_frame, 0, (int)length);
            if (_decompressor.Unwrap(_frame.AsSpan(0, (int)length), bytes) != size)
                throw new InvalidDataException($"The content does not have {size} bytes.");
        }
        catch (Exception exception) when (exception is ZstdException or EndOfStreamException)
        {
            throw new InvalidDataException("The content's zstd frame is damaged: " + exception.Message, exception);
        }
        if (Digest.Of(bytes) != content)
            throw new InvalidDataException($"The content does not have the digest {content}.");
        destination.Write(bytes);
    }

    /// <summary>Frees the decompressor.</summary>
    public void Dispose() => _decompressor.Dispose();
}
