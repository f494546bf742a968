namespace Updraft.Server.Archives;

/// <summary>The extended headers of one entry: either one PAX header, or GNU's long name and long link.</summary>
internal struct ExtendedHeaders
{
    private PaxRecords? _pax;
    private string? _longName, _longLink;

    public readonly bool Any => _pax is not null || _longName is not null || _longLink is not null;

    public readonly string? Name => _pax?.Path ?? _longName;

    public readonly string? Link => _pax?.Link ?? _longLink;

    public readonly long? Size => _pax?.Size;

    /// <summary>Length of a sparse file with its holes, in bytes; null for other files.</summary>
    public readonly long? RealSize => _pax?.RealSize;

    /// <summary>Whether the map of a sparse file precedes its content.</summary>
    public readonly bool HasStoredMap => _pax is { HasStoredMap: true };

    /// <summary>The map of a sparse file; null for other files, and for a stored map.</summary>
    public readonly SparseMap? Map => _pax?.Map;

    /// <summary>Adds a header of the types <c>x</c>, <c>X</c>, <c>g</c>, <c>L</c> or <c>K</c>.</summary>
    /// <param name="type">The type.</param>
    /// <param name="payload">The content.</param>
    /// <param name="header">The name of the extended header, for messages.</param>
    /// <exception cref="Api.ApiException">400: the header does not fit to those before it, or is malformed.</exception>
    public void Add(char type, byte[] payload, string header)
    {
        var fits = type switch
        {
            'x' or 'X' or 'g' => !Any,
            'L' => _pax is null && _longName is null,
            _ => _pax is null && _longLink is null,
        };
        if (!fits)
            throw BadArchive.Entry(header, "is an extended header after another one, without an entry between them",
                "Pack the archive again with GNU tar.");
        if (type is 'x' or 'X')
            _pax = PaxRecords.Parse(payload, header);
        else if (type == 'g')
            PaxRecords.CheckGlobal(payload, header);
        else if (type == 'L')
            _longName = DecodeLong(payload);
        else
            _longLink = DecodeLong(payload);
    }

    private static string DecodeLong(ReadOnlySpan<byte> payload) =>
        ArchivePath.Decode(payload.IsEmpty || payload[^1] != 0 ? payload : payload[..^1]);
}
