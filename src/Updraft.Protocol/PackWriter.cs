using System.Buffers;
using System.Buffers.Binary;
using System.Security.Cryptography;
using ZstdSharp;

namespace Updraft.Protocol;

/// <summary>
/// Writes a pack. Small contents are added whole; large ones are streamed, and can be abandoned once their digest
/// shows that they are known. Memory does not depend on content sizes. Not safe for concurrent use.
/// </summary>
public sealed class PackWriter : IDisposable
{
    private readonly Stream _output;
    private readonly List<PackEntry> _entries = [];
    private readonly Compressor _compressor = new(Pack.CompressionLevel);
    private Content? _open;

    /// <summary>Starts a pack.</summary>
    /// <param name="output">A seekable, empty stream. The caller keeps it and makes it durable.</param>
    public PackWriter(Stream output)
    {
        ArgumentNullException.ThrowIfNull(output);
        _output = output;
        _output.Write(Pack.Magic);
    }

    /// <summary>What has been added so far.</summary>
    public IReadOnlyList<PackEntry> Entries => _entries;

    /// <summary>Adds a content that is in memory.</summary>
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

    /// <summary>Opens a content that is streamed. It must be kept or abandoned before anything else is added.</summary>
    public Content Begin()
    {
        if (_open is not null)
            throw new InvalidOperationException("A content is still open.");
        return _open = new Content(this);
    }

    /// <summary>Writes index and trailer. Nothing can be added afterwards.</summary>
    public void Complete()
    {
        if (_open is not null)
            throw new InvalidOperationException("A content is still open.");
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

    /// <summary>Frees the compressor. The output stays open.</summary>
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

    /// <summary>A content that is being streamed into the pack. Disposing it without <see cref="Keep"/> abandons it.</summary>
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

        /// <summary>Ends the content and says its digest. Decide then: <see cref="Keep"/>, or dispose to abandon it.</summary>
        public Digest End()
        {
            _frame.Dispose();
            return _digest ??= new Digest(_hash.GetHashAndReset());
        }

        /// <summary>Makes the content part of the pack.</summary>
        public PackEntry Keep()
        {
            var digest = End();
            Close();
            return _pack.Record(new PackEntry(digest, _offset, _pack._output.Position - _offset, _size));
        }

        /// <summary>Takes the content's bytes out of the pack again, unless it was kept.</summary>
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
