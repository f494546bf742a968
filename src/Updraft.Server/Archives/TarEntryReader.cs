namespace Updraft.Server.Archives;

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
/// <param name="Size">Length of a file's content in bytes, including its holes; 0 for other kinds.</param>
/// <param name="IsExecutable">Whether the owner may execute the file; false for other kinds.</param>
internal readonly record struct TarEntry(TarEntryKind Kind, string Name, string Link, long Size, bool IsExecutable);

/// <summary>
/// Reads tar archives: v7, ustar, PAX, GNU and star. It is strict, so that all programs read the same files from an accepted archive. Old
/// GNU sparse files and dumps are the exception: only GNU tar and libarchive read them fully. Read the content of an entry to its end
/// before the next call of <see cref="NextAsync"/>.
/// </summary>
internal sealed class TarEntryReader(UnpackedBuffer archive, ArchiveOptions limits)
{
    private const long MaxOctalSize = (1L << 33) - 1;
    private const string Repack = "Pack the archive again with GNU tar.";

    private static readonly ReadOnlyMemory<byte> Zeros = new byte[64 * 1024];

    private readonly TarMetadata _metadata = new(archive, limits);
    private SparseMap? _holes;
    private long _contentLeft;
    private int _padding;

    /// <summary>Name of the newest entry, for messages; empty before the first one.</summary>
    public string Current { get; private set; } = "";

    /// <summary>The next entry; null at the valid end of the archive.</summary>
    /// <exception cref="Api.ApiException">400: the archive is damaged or cut off, or an entry is not supported.</exception>
    public async ValueTask<TarEntry?> NextAsync(CancellationToken cancellationToken)
    {
        if (_contentLeft > 0 || _holes is { Run.Length: > 0 })
            throw new InvalidOperationException("The content of the previous entry has not been read.");
        _holes = null;
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
            {
                var entry = ReadEntry(extended, out var hasMoreSegments);
                await CompleteHolesAsync(entry, extended, hasMoreSegments, cancellationToken);
                return entry;
            }
            archive.Take(TarHeader.Size);
            // A label has no content and no meaning for the files.
            if (type == 'V')
            {
                if (extended.Any)
                    throw BadArchive.Entry(name, "is a volume label after an extended header", Repack);
                continue;
            }
            var payload = await _metadata.ReadAsync(name, size, Current, cancellationToken);
            extended.Add(type, payload, name);
        }
    }

    /// <summary>The next piece of the entry's content, valid until the next call; empty at the end of the entry.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadContentAsync(CancellationToken cancellationToken)
    {
        if (_holes is not { } holes)
            return await ReadStoredAsync(_contentLeft, cancellationToken);
        var (length, isHole) = holes.Run;
        var piece = isHole ? Zeros[..(int)Math.Min(length, Zeros.Length)] : await ReadStoredAsync(length, cancellationToken);
        holes.Advance(piece.Length);
        return piece;
    }

    private async ValueTask<ReadOnlyMemory<byte>> ReadStoredAsync(long most, CancellationToken cancellationToken)
    {
        if (most == 0)
            return default;
        if (!await archive.FillAsync(1, cancellationToken))
            throw BadArchive.CutOff($"in the content of '{BadArchive.Shorten(Current)}'");
        var piece = archive.Available[..(int)Math.Min(most, archive.Available.Length)];
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
        throw BadArchive.CutOff($"after '{BadArchive.Shorten(Current)}': the blocks of zeros at its end are missing");
    }

    private async ValueTask SkipPaddingAsync(CancellationToken cancellationToken)
    {
        if (_padding > 0 && !await archive.FillAsync(_padding, cancellationToken))
            throw BadArchive.CutOff($"after the content of '{BadArchive.Shorten(Current)}'");
        archive.Take(_padding);
        _padding = 0;
    }

    /// <summary>Type, name and size of the current header if it is an extended header or a label; default if it is an entry.</summary>
    private (char Type, string Name, long Size) ReadExtendedHeader()
    {
        var header = new TarHeader(archive.Available.Span, archive.Position);
        if (header.Type is not ('x' or 'X' or 'g' or 'L' or 'K' or 'V'))
            return default;
        header.Check();
        var name = BadArchive.Describe(archive.Available.Span[..100]);
        var size = header.ReadSize();
        if (header.Type == 'V' && size != 0)
            throw BadArchive.Entry(name, "is a volume label but has a size", Repack);
        return (header.Type, name, size);
    }

    private TarEntry ReadEntry(in ExtendedHeaders extended, out bool hasMoreSegments)
    {
        var header = new TarHeader(archive.Available.Span, archive.Position);
        if (UnsupportedTypes.Find(header) is { } unsupported)
            throw BadArchive.Entry(extended.Name ?? BadArchive.Describe(archive.Available.Span[..100]),
                unsupported.Problem, unsupported.Advice);
        header.Check();
        var name = extended.Name ?? ArchivePath.Decode(header.ReadName());
        Current = name;
        var size = ReadSize(header, extended, name);
        var kind = ReadKind(header, extended, name);
        // GNU tar stores the names in the directory as the content of its dumps.
        if (kind != TarEntryKind.File && size != 0 && header.Type != 'D')
            throw BadArchive.Entry(name, $"is a {(kind == TarEntryKind.Directory ? "directory" : "link")} but has a size", Repack);
        var realSize = kind != TarEntryKind.File ? 0 : header.Type == 'S' ? header.ReadRealSize() : extended.RealSize ?? size;
        if (Math.Max(size, realSize) > limits.MaxUnpackedBytes)
            throw BadArchive.Entry(name, $"is larger than {limits.MaxUnpackedBytes} bytes",
                $"Remove it, or raise {ArchiveLimits.MaxUnpackedBytes}.", ArchiveLimits.MaxUnpackedBytes);
        var link = kind is TarEntryKind.File or TarEntryKind.Directory ? "" : extended.Link ?? ArchivePath.Decode(header.ReadLink());
        var isExecutable = kind == TarEntryKind.File && header.ReadIsExecutable();
        hasMoreSegments = header.Type == 'S' && header.HasMoreSegments;
        if (header.Type == 'S')
        {
            _holes = new();
            if (!_holes.TryAddFields(header.Segments))
                throw BadMap(name);
        }
        archive.Take(TarHeader.Size);
        (_contentLeft, _padding) = (size, (int)((TarHeader.Size - size % TarHeader.Size) % TarHeader.Size));
        return new TarEntry(kind, name, link, realSize, isExecutable);
    }

    private static long ReadSize(in TarHeader header, in ExtendedHeaders extended, string name)
    {
        var size = header.ReadSize();
        if (extended.Size is not { } extendedSize || extendedSize == size)
            return size;
        return size == 0 || (size == MaxOctalSize && extendedSize > MaxOctalSize)
            ? extendedSize
            : throw BadArchive.Entry(name, "has two sizes that differ", Repack);
    }

    private static TarEntryKind ReadKind(in TarHeader header, in ExtendedHeaders extended, string name) => header.Type switch
    {
        '1' => TarEntryKind.HardLink,
        '2' => TarEntryKind.SymbolicLink,
        '5' or 'D' => TarEntryKind.Directory,
        // Programs disagree on which name decides. A program that sees a directory reads the content as headers.
        '\0' when extended.Name is not null && (name.EndsWith('/') || header.ReadName() is [.., (byte)'/']) =>
            throw BadArchive.Entry(name, "is a file by one of its names and a directory by the other", Repack),
        // Old programs have no type for directories; a slash at the end of the name marks them.
        '\0' when name.EndsWith('/') => TarEntryKind.Directory,
        _ => TarEntryKind.File,
    };

    /// <summary>Completes the map of a sparse file. Parts of it may follow the header.</summary>
    private async ValueTask CompleteHolesAsync(TarEntry entry, ExtendedHeaders extended, bool hasMoreSegments,
        CancellationToken cancellationToken)
    {
        if (entry.Kind != TarEntryKind.File)
            return;
        if (_holes is null && extended.HasStoredMap)
        {
            (_holes, var read) = await _metadata.ReadStoredMapAsync(entry.Name, _contentLeft, cancellationToken);
            _contentLeft -= read;
        }
        _holes ??= extended.Map;
        if (hasMoreSegments && !await _metadata.TryReadSegmentsAsync(_holes!, entry.Name, cancellationToken))
            throw BadMap(entry.Name);
        if (_holes is { } holes && !holes.TryComplete(entry.Size, _contentLeft))
            throw BadMap(entry.Name);
    }

    private static Api.ApiException BadMap(string name) => BadArchive.Entry(name,
        "is a sparse file, and the map of its holes is damaged", "Use tar without --sparse, or bsdtar with --no-read-sparse.");

    private async ValueTask ReadEndAsync(CancellationToken cancellationToken)
    {
        if (!await archive.FillAsync(2 * TarHeader.Size, cancellationToken))
            throw BadArchive.CutOff("at its end: it has one block of zeros there, not two");
        while (await archive.FillAsync(1, cancellationToken))
        {
            if (archive.Available.Span.ContainsAnyExcept((byte)0))
                throw BadArchive.Because($"The archive has bytes after its end, which follows '{BadArchive.Shorten(Current)}'. "
                    + "Upload one tar archive. 'tar --concatenate' joins archives.");
            archive.Take(archive.Available.Length);
        }
    }
}
