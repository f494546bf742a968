using ZstdSharp;

namespace Updraft.Protocol;

/// <summary>
/// Reads contents one after another, like <see cref="PackReader.CopyVerified"/>. Most contents are small. For these, the reader reuses one
/// decompressor and its buffers, because their preparation takes longer than the content itself. Not safe for concurrent use.
/// </summary>
public sealed class ContentReader : IDisposable
{
    private const int MaxSmall = 128 * 1024;

    private readonly Decompressor _decompressor = new();
    private readonly byte[] _frame = new byte[Compressor.GetCompressBound(MaxSmall)];
    private readonly byte[] _content = new byte[MaxSmall];

    /// <summary>Decompresses one content and verifies it.</summary>
    /// <param name="frame">Exactly the bytes of the content's zstd frame.</param>
    /// <param name="length">Length of the frame in bytes.</param>
    /// <param name="size">Length of the content in bytes, from the manifest.</param>
    /// <param name="content">Digest of the content, from the manifest.</param>
    /// <param name="destination">
    /// Receives the content. After an exception its bytes are invalid, and the caller must discard them.
    /// </param>
    /// <exception cref="InvalidDataException">The frame is damaged, or contains another content.</exception>
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
                throw new InvalidDataException($"The content does not have {size} bytes, as its manifest says.");
        }
        catch (Exception exception) when (exception is ZstdException or EndOfStreamException)
        {
            throw new InvalidDataException("The content's zstd frame is damaged: " + exception.Message, exception);
        }
        if (Digest.Of(bytes) != content)
            throw new InvalidDataException($"The content does not have the digest {content}, as its manifest says.");
        destination.Write(bytes);
    }

    /// <inheritdoc/>
    public void Dispose() => _decompressor.Dispose();
}
