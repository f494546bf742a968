namespace Updraft.Server.Archives;

/// <summary>What an entry of an archive is.</summary>
internal enum TarEntryKind
{
    File,
    Folder,
    HardLink,
    SymbolicLink,
}

/// <summary>One entry, its extended headers applied.</summary>
/// <param name="Kind">File, folder or link.</param>
/// <param name="Name">As in the archive; not checked.</param>
/// <param name="Link">What a link points to; not checked. Empty otherwise.</param>
/// <param name="Size">Length of a file's content; 0 otherwise.</param>
/// <param name="IsExecutable">Whether the owner may execute it.</param>
internal readonly record struct TarEntry(TarEntryKind Kind, string Name, string Link, long Size, bool IsExecutable);

/// <summary>
/// Reads tar archives (v7, ustar, PAX and GNU) so strictly that no other program sees other files in what it accepts. After
/// <see cref="NextAsync"/> has given a file, read its content to the end before asking for the next entry.
/// </summary>
internal sealed class TarEntryReader(UnpackedBuffer archive, ArchiveOptions limits)
{
    private const long MaxOctalSize = (1L << 33) - 1;
    private const string Repack = "Pack the archive again with an ordinary tar program.";

    private long _left;
    private int _padding;
    private long _metadata;
    private string _current = "";

    /// <summary>The next entry; null when the archive has ended as it must.</summary>
    /// <exception cref="Api.ApiException">400: the archive is damaged, cut off, or has something that is not taken.</exception>
    public async ValueTask<TarEntry?> NextAsync(CancellationToken cancellationToken)
    {
        if (_left > 0)
            throw new InvalidOperationException("The content of the entry before has not been read.");
        await SkipPaddingAsync(cancellationToken);
        var extended = new ExtendedHeaders();
        while (true)
        {
            await RequireHeaderAsync(cancellationToken);
            if (!archive.Available.Span[..TarHeader.Size].ContainsAnyExcept((byte)0))
            {
                if (extended.Any)
                    throw BadArchive.Because($"The archive ends after an extended header that no entry follows. {Repack}");
                await ReadEndAsync(cancellationToken);
                return null;
            }
            var (type, name, size) = ReadExtendedHeader();
            if (type == default)
                return TakeEntry(extended);
            archive.Take(TarHeader.Size);
            var payload = await ReadMetadataAsync(name, size, cancellationToken);
            extended.Add(type, payload, name);
        }
    }

    /// <summary>The next piece of the entry's content, to be used before the next call; empty at its end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadContentAsync(CancellationToken cancellationToken)
    {
        if (_left == 0)
            return default;
        if (!await archive.FillAsync(1, cancellationToken))
            throw BadArchive.CutOff($"in the content of '{BadArchive.Shorten(_current)}'");
        var piece = archive.Available[..(int)Math.Min(_left, archive.Available.Length)];
        archive.Take(piece.Length);
        _left -= piece.Length;
        return piece;
    }

    private async ValueTask RequireHeaderAsync(CancellationToken cancellationToken)
    {
        if (await archive.FillAsync(TarHeader.Size, cancellationToken))
            return;
        if (archive.Position == 0)
            throw BadArchive.NoTar(archive.Available.Span, "it is too short");
        throw BadArchive.CutOff($"after '{BadArchive.Shorten(_current)}': it lacks the blocks of zeros at its end");
    }

    private async ValueTask SkipPaddingAsync(CancellationToken cancellationToken)
    {
        if (_padding > 0 && !await archive.FillAsync(_padding, cancellationToken))
            throw BadArchive.CutOff($"after the content of '{BadArchive.Shorten(_current)}'");
        archive.Take(_padding);
        _padding = 0;
    }

    /// <summary>Type, name and size of the header at hand if it extends another one; nothing otherwise.</summary>
    private (char Type, string Name, long Size) ReadExtendedHeader()
    {
        var header = new TarHeader(archive.Available.Span, archive.Position);
        return header.Type is 'x' or 'g' or 'L' or 'K'
            ? (header.Type, BadArchive.Describe(archive.Available.Span[..100]), header.ReadSize())
            : default;
    }

    private TarEntry TakeEntry(ExtendedHeaders extended)
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
            // Programs do not agree on which name counts, and a folder's content would be read as headers.
            '\0' when extended.Name is not null && (name.EndsWith('/') || header.ReadName() is [.., (byte)'/']) =>
                throw BadArchive.Entry(name, "is a file by one of its names and a folder by the other", Repack),
            // The first tar programs marked a folder by the slash after its name.
            '\0' => header.IsOld && name.EndsWith('/') ? TarEntryKind.Folder : TarEntryKind.File,
            '1' => TarEntryKind.HardLink,
            '2' => TarEntryKind.SymbolicLink,
            '5' => TarEntryKind.Folder,
            var other => throw Unsupported(name, other),
        };
        if (kind != TarEntryKind.File && size != 0)
            throw BadArchive.Entry(name, $"is a {(kind == TarEntryKind.Folder ? "folder" : "link")} but has a size", Repack);
        if (size > limits.MaxUnpackedBytes)
            throw BadArchive.Entry(name, $"is larger than {limits.MaxUnpackedBytes} bytes",
                "Leave it out, or raise Archives:MaxUnpackedBytes.");
        var link = kind is TarEntryKind.File or TarEntryKind.Folder ? "" : extended.Link ?? ArchivePath.Decode(header.ReadLink());
        var isExecutable = kind == TarEntryKind.File && header.ReadIsExecutable();
        archive.Take(TarHeader.Size);
        (_left, _padding) = (size, (int)((TarHeader.Size - size % TarHeader.Size) % TarHeader.Size));
        return new TarEntry(kind, name, link, size, isExecutable);
    }

    private static Api.ApiException Unsupported(string name, char type) => type switch
    {
        '3' or '4' => BadArchive.Entry(name, "is a device", "Leave it out."),
        '6' => BadArchive.Entry(name, "is a FIFO", "Leave it out."),
        'S' => BadArchive.Entry(name, "is a sparse file, which is not taken", "Use tar without --sparse."),
        'M' => BadArchive.Entry(name, "continues from another volume", "Use tar without --multi-volume."),
        'D' => BadArchive.Entry(name, "belongs to an incremental dump", "Use tar without --incremental."),
        'V' => BadArchive.Entry(name, "is a volume label", "Use tar without --label."),
        _ => BadArchive.Entry(name, $"is of the type '{BadArchive.Shorten(type.ToString())}', which is neither file, folder nor link",
            "Leave it out."),
    };

    private async ValueTask<byte[]> ReadMetadataAsync(string name, long size, CancellationToken cancellationToken)
    {
        if (size > limits.MaxEntryMetadataBytes)
            throw BadArchive.Entry(name, $"is an extended header of more than {limits.MaxEntryMetadataBytes} bytes",
                "Shorten names and attributes, or raise Archives:MaxEntryMetadataBytes.");
        if (size == 0)
            throw BadArchive.Entry(name, "is an empty extended header", Repack);
        _metadata += size;
        if (_metadata > limits.MaxMetadataBytes)
            throw BadArchive.Because($"The archive has more than {limits.MaxMetadataBytes} bytes of extended headers, "
                + $"the last after '{BadArchive.Shorten(_current)}'. "
                + "Shorten names, leave out attributes, or raise Archives:MaxMetadataBytes.");
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
        // Other programs read on until a NUL and not until the end that the header gives.
        if (await archive.FillAsync(_padding, cancellationToken)
            && archive.Available.Span[.._padding].ContainsAnyExcept((byte)0))
            throw BadArchive.Entry(name, "is an extended header with something after its end", Repack);
        await SkipPaddingAsync(cancellationToken);
        return payload;
    }

    private async ValueTask ReadEndAsync(CancellationToken cancellationToken)
    {
        if (!await archive.FillAsync(2 * TarHeader.Size, cancellationToken))
            throw BadArchive.CutOff("at its end: it has one block of zeros there and not two");
        while (await archive.FillAsync(1, cancellationToken))
        {
            if (archive.Available.Span.ContainsAnyExcept((byte)0))
                throw BadArchive.Because($"The archive has something after its end, which comes after '{BadArchive.Shorten(_current)}'. "
                    + "Upload one tar archive; join archives with 'tar --concatenate'.");
            archive.Take(archive.Available.Length);
        }
    }

    /// <summary>What stands before an entry and is about it: either one PAX header, or GNU's long name and long link.</summary>
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
                throw BadArchive.Entry(header, "is an extended header after another one that has no entry yet", Repack);
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
