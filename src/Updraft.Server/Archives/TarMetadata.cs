namespace Updraft.Server.Archives;

/// <summary>Reads the extended headers of an archive, and bounds the size of each and of all.</summary>
internal sealed class TarMetadata(UnpackedBuffer archive, ArchiveOptions limits)
{
    private const string Repack = "Pack the archive again with GNU tar.";

    private long _bytes;

    /// <summary>Reads the content of an extended header and the padding after it.</summary>
    /// <param name="name">The name of the extended header.</param>
    /// <param name="size">Length of the content, in bytes.</param>
    /// <param name="after">The name of the entry before, for messages.</param>
    /// <exception cref="Api.ApiException">400: the archive is cut off, or a limit is exceeded.</exception>
    public async ValueTask<byte[]> ReadAsync(string name, long size, string after, CancellationToken cancellationToken)
    {
        if (size > limits.MaxEntryMetadataBytes)
            throw BadArchive.Entry(name, $"is an extended header of more than {limits.MaxEntryMetadataBytes} bytes",
                $"Shorten names and attributes, or raise {ArchiveLimits.MaxEntryMetadataBytes}.", ArchiveLimits.MaxEntryMetadataBytes);
        Count(size, after);
        var payload = new byte[size];
        for (var filled = 0; filled < payload.Length;)
        {
            if (!await archive.FillAsync(1, cancellationToken))
                throw BadArchive.CutOff($"in the extended header '{BadArchive.Shorten(name)}'");
            var count = Math.Min(payload.Length - filled, archive.Available.Length);
            archive.Available[..count].CopyTo(payload.AsMemory(filled));
            archive.Take(count);
            filled += count;
        }
        var padding = (int)((TarHeader.Size - size % TarHeader.Size) % TarHeader.Size);
        if (!await archive.FillAsync(padding, cancellationToken))
            throw BadArchive.CutOff($"in the extended header '{BadArchive.Shorten(name)}'");
        // Other programs read to the first NUL, not to the size in the header. Bytes after the size would extend the name for them.
        if (archive.Available.Span[..padding].ContainsAnyExcept((byte)0))
            throw BadArchive.Entry(name, "is an extended header with bytes after its end", Repack);
        archive.Take(padding);
        return payload;
    }

    /// <summary>Reads the map of a PAX sparse file of version 1.0: lines with numbers, padded to whole blocks.</summary>
    /// <param name="name">The name of the file.</param>
    /// <param name="available">Length of map and content, in bytes.</param>
    /// <returns>The map, and the number of bytes read.</returns>
    /// <exception cref="Api.ApiException">400: the map is malformed or too large.</exception>
    public async ValueTask<(SparseMap Map, long Read)> ReadStoredMapAsync(string name, long available, CancellationToken cancellationToken)
    {
        var parser = new StoredMapParser();
        for (var read = 0L; read + TarHeader.Size <= available;)
        {
            await RequireBlockAsync(name, cancellationToken);
            var state = parser.Parse(archive.Available.Span[..TarHeader.Size]);
            archive.Take(TarHeader.Size);
            read += TarHeader.Size;
            CountMap(name, read);
            if (state is { } isValid)
                return isValid ? (parser.Map, read) : throw Malformed(name);
        }
        throw Malformed(name);
    }

    /// <summary>Reads the blocks with further segments of an old GNU sparse file. False if a block is malformed.</summary>
    /// <exception cref="Api.ApiException">400: the archive is cut off, or the map is too large.</exception>
    public async ValueTask<bool> TryReadSegmentsAsync(SparseMap map, string name, CancellationToken cancellationToken)
    {
        const int Fields = 21 * 24;
        for (var (read, more) = (0L, true); more;)
        {
            await RequireBlockAsync(name, cancellationToken);
            var block = archive.Available.Span[..TarHeader.Size];
            if (!map.TryAddFields(block[..Fields]))
                return false;
            more = block[Fields] != 0;
            archive.Take(TarHeader.Size);
            read += TarHeader.Size;
            CountMap(name, read);
        }
        return true;
    }

    private async ValueTask RequireBlockAsync(string name, CancellationToken cancellationToken)
    {
        if (!await archive.FillAsync(TarHeader.Size, cancellationToken))
            throw BadArchive.CutOff($"in the map of the sparse file '{BadArchive.Shorten(name)}'");
    }

    private void CountMap(string name, long read)
    {
        if (read > limits.MaxEntryMetadataBytes)
            throw BadArchive.Entry(name, $"is a sparse file whose map has more than {limits.MaxEntryMetadataBytes} bytes",
                $"Use tar without --sparse, or raise {ArchiveLimits.MaxEntryMetadataBytes}.", ArchiveLimits.MaxEntryMetadataBytes);
        Count(TarHeader.Size, name);
    }

    private void Count(long size, string after)
    {
        _bytes += size;
        if (_bytes > limits.MaxMetadataBytes)
            throw BadArchive.Because($"The archive has more than {limits.MaxMetadataBytes} bytes of extended headers, "
                + $"the last one after '{BadArchive.Shorten(after)}'. "
                + $"Shorten names, remove attributes, or raise {ArchiveLimits.MaxMetadataBytes}.", limit: ArchiveLimits.MaxMetadataBytes);
    }

    private static Api.ApiException Malformed(string name) => BadArchive.Entry(name,
        "is a sparse file, and the map of its holes is damaged", "Use tar without --sparse, or bsdtar with --no-read-sparse.");

    /// <summary>Parses the lines of a stored map: the number of segments, then offset and length of each.</summary>
    private sealed class StoredMapParser
    {
        private long _segments = -1, _offset = -1, _number;
        private int _digits, _count;

        public SparseMap Map { get; } = new();

        /// <summary>Whether the map is valid; null while it continues in the next block.</summary>
        public bool? Parse(ReadOnlySpan<byte> block)
        {
            for (var i = 0; i < block.Length; i++)
            {
                if (block[i] is >= (byte)'0' and <= (byte)'9' && ++_digits <= 18)
                    _number = _number * 10 + block[i] - '0';
                else if (block[i] != '\n' || _digits is 0 or > 18)
                    return false;
                else if (IsLastLine())
                    return !block[(i + 1)..].ContainsAnyExcept((byte)0);
            }
            return null;
        }

        private bool IsLastLine()
        {
            var number = _number;
            (_number, _digits) = (0, 0);
            if (_segments < 0)
                _segments = number;
            else if (_offset < 0)
                _offset = number;
            else
            {
                Map.Add(_offset, number);
                _offset = -1;
                _count++;
            }
            return _count == _segments;
        }
    }
}
