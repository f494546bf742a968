namespace Updraft.Server.Archives;

/// <summary>The kind of an entry.</summary>
internal enum TarEntryKind
{
    File,
    Directory,
    HardLink,
    SymbolicLink,
}

/// <summary>One entry, with its extended headers applied.</summary>
/// <param name="Kind">File, directory or link.</param>
/// <param name="Name">Unchanged from the archive, and not checked.</param>
/// <param name="Link">Target of a link, not checked; empty for other kinds.</param>
/// <param name="Size">Length of a file's content in bytes; 0 for other kinds.</param>
/// <param name="IsExecutable">Whether the owner may execute the file; false for other kinds.</param>
internal readonly record struct TarEntry(TarEntryKind Kind, string Name, string Link, long Size, bool IsExecutable);

/// <summary>
/// Reads tar archives (v7, ustar, PAX and GNU). It is so strict that every tar program reads the same files from an accepted archive.
/// Read the content of a file to its end before the next call of <see cref="NextAsync"/>.
/// </summary>
internal sealed class TarEntryReader(UnpackedBuffer archive, ArchiveOptions limits)
{
    private const long MaxOctalSize = (1L << 33) - 1;
    private const string Repack = "Pack the archive again with GNU tar.";
    private const string Remove = "Remove it, and pack the archive again.";

    private long _contentLeft;
    private int _padding;
    private long _metadataBytes;
    private string _current = "";

    /// <summary>The next entry; null at the valid end of the archive.</summary>
    /// <exception cref="Api.ApiException">400: the archive is damaged or cut off, or an entry is not supported.</exception>
    public async ValueTask<TarEntry?> NextAsync(CancellationToken cancellationToken)
    {
        if (_contentLeft > 0)
            throw new InvalidOperationException("The content of the previous entry has not been read.");
        await SkipPaddingAsync(cancellationToken);
        var extended = new ExtendedHeaders();
        while (true)
        {
            await RequireHeaderAsync(cancellationToken);
            if (!archive.Available.Span[..TarHeader.Size].ContainsAnyExcept((byte)0))
            {
                if (extended.Any)
                    throw BadArchive.Because($"The archive ends with an extended header that no entry follows. {Repack}");
                await ReadEndAsync(cancellationToken);
                return null;
            }
            var (type, name, size) = ReadExtendedHeader();
            if (type == default)
                return ReadEntry(extended);
            archive.Take(TarHeader.Size);
            var payload = await ReadMetadataAsync(name, size, cancellationToken);
            extended.Add(type, payload, name);
        }
    }

    /// <summary>The next piece of the entry's content, valid until the next call; empty at the end of the entry.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadContentAsync(CancellationToken cancellationToken)
    {
        if (_contentLeft == 0)
            return default;
        if (!await archive.FillAsync(1, cancellationToken))
            throw BadArchive.CutOff($"in the content of '{BadArchive.Shorten(_current)}'");
        var piece = archive.Available[..(int)Math.Min(_contentLeft, archive.Available.Length)];
        archive.Take(piece.Length);
        _contentLeft -= piece.Length;
        return piece;
    }

    private async ValueTask RequireHeaderAsync(CancellationToken cancellationToken)
    {
        if (await archive.FillAsync(TarHeader.Size, cancellationToken))
            return;
        if (archive.Position == 0)
            throw BadArchive.NotTar(archive.Available.Span, "it is too short");
        throw BadArchive.CutOff($"after '{BadArchive.Shorten(_current)}': the blocks of zeros at its end are missing");
    }

    private async ValueTask SkipPaddingAsync(CancellationToken cancellationToken)
    {
        if (_padding > 0 && !await archive.FillAsync(_padding, cancellationToken))
            throw BadArchive.CutOff($"after the content of '{BadArchive.Shorten(_current)}'");
        archive.Take(_padding);
        _padding = 0;
    }

    /// <summary>Type, name and size of the current header if it is an extended header; default if it is an entry.</summary>
    private (char Type, string Name, long Size) ReadExtendedHeader()
    {
        var header = new TarHeader(archive.Available.Span, archive.Position);
        return header.Type is 'x' or 'g' or 'L' or 'K'
            ? (header.Type, BadArchive.Describe(archive.Available.Span[..100]), header.ReadSize())
            : default;
    }

    private TarEntry ReadEntry(ExtendedHeaders extended)
    {
        var header = new TarHeader(archive.Available.Span, archive.Position);
        var name = extended.Name ?? ArchivePath.Decode(header.ReadName());
        _current = name;
        var size = header.ReadSize();
        if (extended.Size is { } extendedSize && extendedSize != size)
        {
            if (size != 0 && !(size == MaxOctalSize && extendedSize > MaxOctalSize))
                throw BadArchive.Entry(name, "has two sizes that differ", Repack);
            size = extendedSize;
        }
        var kind = header.Type switch
        {
            '0' => TarEntryKind.File,
            // Programs disagree on which name decides. A program that sees a directory reads the content as headers.
            '\0' when extended.Name is not null && (name.EndsWith('/') || header.ReadName() is [.., (byte)'/']) =>
                throw BadArchive.Entry(name, "is a file by one of its names and a directory by the other", Repack),
            // v7 has no type for directories; a slash at the end of the name marks them.
            '\0' => header.IsV7 && name.EndsWith('/') ? TarEntryKind.Directory : TarEntryKind.File,
            '1' => TarEntryKind.HardLink,
            '2' => TarEntryKind.SymbolicLink,
            '5' => TarEntryKind.Directory,
            var other => throw Unsupported(name, other),
        };
        if (kind != TarEntryKind.File && size != 0)
            throw BadArchive.Entry(name, $"is a {(kind == TarEntryKind.Directory ? "directory" : "link")} but has a size", Repack);
        if (size > limits.MaxUnpackedBytes)
            throw BadArchive.Entry(name, $"is larger than {limits.MaxUnpackedBytes} bytes",
                $"Remove it, or raise {ArchiveLimits.MaxUnpackedBytes}.", ArchiveLimits.MaxUnpackedBytes);
        var link = kind is TarEntryKind.File or TarEntryKind.Directory ? "" : extended.Link ?? ArchivePath.Decode(header.ReadLink());
        var isExecutable = kind == TarEntryKind.File && header.ReadIsExecutable();
        archive.Take(TarHeader.Size);
        (_contentLeft, _padding) = (size, (int)((TarHeader.Size - size % TarHeader.Size) % TarHeader.Size));
        return new TarEntry(kind, name, link, size, isExecutable);
    }

    private static Api.ApiException Unsupported(string name, char type) => type switch
    {
        '3' or '4' => BadArchive.Entry(name, "is a device", Remove),
        '6' => BadArchive.Entry(name, "is a FIFO", Remove),
        'S' => BadArchive.Entry(name, "is a sparse file, which Updraft does not support", "Use tar without --sparse."),
        'M' => BadArchive.Entry(name, "continues from another volume", "Use tar without --multi-volume."),
        'D' => BadArchive.Entry(name, "belongs to an incremental dump", "Use tar without --incremental."),
        'V' => BadArchive.Entry(name, "is a volume label", "Use tar without --label."),
        _ => BadArchive.Entry(name, $"has the type '{BadArchive.Shorten(type.ToString())}', "
            + "which is not a file, directory or link", Remove),
    };

    private async ValueTask<byte[]> ReadMetadataAsync(string name, long size, CancellationToken cancellationToken)
    {
        if (size > limits.MaxEntryMetadataBytes)
            throw BadArchive.Entry(name, $"is an extended header of more than {limits.MaxEntryMetadataBytes} bytes",
                $"Shorten names and attributes, or raise {ArchiveLimits.MaxEntryMetadataBytes}.", ArchiveLimits.MaxEntryMetadataBytes);
        if (size == 0)
            throw BadArchive.Entry(name, "is an empty extended header", Repack);
        _metadataBytes += size;
        if (_metadataBytes > limits.MaxMetadataBytes)
            throw BadArchive.Because($"The archive has more than {limits.MaxMetadataBytes} bytes of extended headers, "
                + $"the last one after '{BadArchive.Shorten(_current)}'. "
                + $"Shorten names, remove attributes, or raise {ArchiveLimits.MaxMetadataBytes}.", limit: ArchiveLimits.MaxMetadataBytes);
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
        _padding = (int)((TarHeader.Size - size % TarHeader.Size) % TarHeader.Size);
        // Other programs read to the first NUL, not to the size in the header. Bytes after the size would extend the name for them.
        if (await archive.FillAsync(_padding, cancellationToken)
            && archive.Available.Span[.._padding].ContainsAnyExcept((byte)0))
            throw BadArchive.Entry(name, "is an extended header with bytes after its end", Repack);
        await SkipPaddingAsync(cancellationToken);
        return payload;
    }

    private async ValueTask ReadEndAsync(CancellationToken cancellationToken)
    {
        if (!await archive.FillAsync(2 * TarHeader.Size, cancellationToken))
            throw BadArchive.CutOff("at its end: it has one block of zeros there, not two");
        while (await archive.FillAsync(1, cancellationToken))
        {
            if (archive.Available.Span.ContainsAnyExcept((byte)0))
                throw BadArchive.Because($"The archive has bytes after its end, which follows '{BadArchive.Shorten(_current)}'. "
                    + "Upload one tar archive. 'tar --concatenate' joins archives.");
            archive.Take(archive.Available.Length);
        }
    }

    /// <summary>The extended headers of one entry: either one PAX header, or GNU's long name and long link.</summary>
    private struct ExtendedHeaders
    {
        private PaxRecords? _pax;
        private string? _longName, _longLink;

        public readonly bool Any => _pax is not null || _longName is not null || _longLink is not null;

        public readonly string? Name => _pax?.Path ?? _longName;

        public readonly string? Link => _pax?.Link ?? _longLink;

        public readonly long? Size => _pax?.Size;

        public void Add(char type, byte[] payload, string header)
        {
            var fits = type switch
            {
                'x' or 'g' => !Any,
                'L' => _pax is null && _longName is null,
                _ => _pax is null && _longLink is null,
            };
            if (!fits)
                throw BadArchive.Entry(header, "is an extended header after another one, without an entry between them", Repack);
            if (type == 'x')
                _pax = PaxRecords.Parse(payload, header);
            else if (type == 'g')
                PaxRecords.CheckGlobal(payload, header);
            else if (type == 'L')
                _longName = DecodeLong(payload);
            else
                _longLink = DecodeLong(payload);
        }

        private static string DecodeLong(ReadOnlySpan<byte> payload) => ArchivePath.Decode(payload[^1] == 0 ? payload[..^1] : payload);
    }
}
