using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ZstdSharp;

namespace Updraft.Protocol;

/// <summary>
/// Writes a pack. A caller adds small contents in one call, and streams large ones. It can discard a streamed content if the digest
/// shows that the content is stored already. Memory use does not depend on the size of contents. Not safe for concurrent use.
/// </summary>
public sealed class PackWriter : IDisposable
{
    private readonly Stream _output;
    private readonly List<PackEntry> _entries = [];
    private readonly Compressor _compressor = new(Pack.CompressionLevel);
    private Content? _open;

    /// <summary>Starts a pack.</summary>
    /// <param name="output">A seekable, empty stream. The caller makes it durable and disposes it.</param>
    public PackWriter(Stream output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
        _output.Write(Pack.Magic);
    }

    /// <summary>Contents so far, in the order in which they were added.</summary>
    public IReadOnlyList<PackEntry> Entries => _entries;

    /// <summary>Adds a content from memory.</summary>
    /// <param name="content">The bytes.</param>
    /// <param name="digest">Digest of the content. The method does not verify it.</param>
    public PackEntry Add(ReadOnlySpan<byte> content, Digest digest)
    {
        ObjectDisposedException.ThrowIf(_open is not null, this);
        var offset = _output.Position;
        var buffer = ArrayPool<byte>.Shared.Rent(Compressor.GetCompressBound(content.Length));
        try
        {
            var length = _compressor.Wrap(content, buffer);
            _output.Write(buffer.AsSpan(0, length));
            return Record(new PackEntry(digest, offset, length, content.Length));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <summary>Starts a streamed content. The caller must keep or dispose it before the next call.</summary>
    public Content Begin()
    {
        if (_open is not null)
            throw new InvalidOperationException("A streamed content is still open. Keep it or dispose it first.");
        return _open = new Content(this);
    }

    /// <summary>Writes the index and the trailer. Afterwards no content can be added.</summary>
    public void Complete()
    {
        if (_open is not null)
            throw new InvalidOperationException("A streamed content is still open. Keep it or dispose it first.");
        var indexOffset = _output.Position;
        var index = new byte[_entries.Count * Pack.IndexEntrySize];
        for (var i = 0; i < _entries.Count; i++)
        {
            var slot = index.AsSpan(i * Pack.IndexEntrySize);
            _entries[i].Content.CopyTo(slot);
            BinaryPrimitives.WriteInt64LittleEndian(slot[32..], _entries[i].Offset);
            BinaryPrimitives.WriteInt64LittleEndian(slot[40..], _entries[i].Length);
            BinaryPrimitives.WriteInt64LittleEndian(slot[48..], _entries[i].Size);
        }
        Span<byte> trailer = stackalloc byte[Pack.TrailerSize];
        trailer.Clear();
        BinaryPrimitives.WriteInt64LittleEndian(trailer, indexOffset);
        BinaryPrimitives.WriteInt64LittleEndian(trailer[8..], _entries.Count);
        SHA256.HashData(index, trailer[16..48]);
        Pack.Magic.CopyTo(trailer[56..]);
        _output.Write(index);
        _output.Write(trailer);
        _output.Flush();
    }

    /// <summary>Disposes the compressor. The output stays open.</summary>
    public void Dispose()
    {
        _open?.Dispose();
        _compressor.Dispose();
    }

    private PackEntry Record(PackEntry entry)
    {
        _entries.Add(entry);
        return entry;
    }

    /// <summary>A streamed content. Without <see cref="Keep"/>, its disposal removes its bytes from the pack.</summary>
    public sealed class Content : IDisposable
    {
        private readonly PackWriter _pack;
        private readonly long _offset;
        private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        private readonly CompressionStream _frame;
        private long _size;
        private Digest? _digest;
        private bool _closed;

        internal Content(PackWriter pack)
        {
            _pack = pack;
            _offset = pack._output.Position;
            _frame = new CompressionStream(pack._output, Pack.CompressionLevel, leaveOpen: true);
        }

        /// <summary>Appends bytes.</summary>
        public void Write(ReadOnlySpan<byte> bytes)
        {
            _hash.AppendData(bytes);
            _frame.Write(bytes);
            _size += bytes.Length;
        }

        /// <summary>Ends the content and returns its digest. Then the caller calls <see cref="Keep"/> or <see cref="Dispose"/>.</summary>
        public Digest End()
        {
            _frame.Dispose();
            return _digest ??= new Digest(_hash.GetHashAndReset());
        }

        /// <summary>Adds the content to the pack.</summary>
        public PackEntry Keep()
        {
            var digest = End();
            Close();
            return _pack.Record(new PackEntry(digest, _offset, _pack._output.Position - _offset, _size));
        }

        /// <summary>Removes the bytes of the content from the pack, unless <see cref="Keep"/> was called.</summary>
        public void Dispose()
        {
            if (_closed)
                return;
            _frame.Dispose();
            _pack._output.SetLength(_offset);
            _pack._output.Position = _offset;
            Close();
        }

        private void Close()
        {
            _closed = true;
            _hash.Dispose();
            _pack._open = null;
        }
    }
}
