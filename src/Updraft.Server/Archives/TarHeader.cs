namespace Updraft.Server.Archives;

/// <summary>One 512-byte header of a tar archive. The layout:
/// <code>
///   0 name 100     100 mode 8     108 uid 8   116 gid 8   124 size 12   136 mtime 12   148 checksum 8
/// 156 type 1       157 link 100   257 magic 6, version 2  265 user 32   297 group 32
/// 329 major 8      337 minor 8    345 prefix 155          500 unused 12
/// star and npm:    345 prefix 131, 476 atime 12, 488 ctime 12, 508 "tar" of star
/// GNU:             345 atime 12, 357 ctime 12; for the type S: 386 sparse map 96, 482 more of it 1, 483 real size 12
/// </code>
/// </summary>
internal readonly ref struct TarHeader
{
    public const int Size = 512;

    private const int Prefix = 345, StarTimes = 476, PrefixEnd = 500;

    private readonly ReadOnlySpan<byte> _block;
    private readonly long _position;

    /// <summary>Verifies the checksum of a header. Call <see cref="Check"/> if the type is supported.</summary>
    /// <param name="block">At least 512 bytes.</param>
    /// <param name="position">Byte offset in the archive, for messages.</param>
    /// <exception cref="Api.ApiException">400: the block is not a header of a tar archive, or is damaged.</exception>
    public TarHeader(ReadOnlySpan<byte> block, long position)
    {
        _block = block[..Size];
        _position = position;
        var (sum, signed) = (8 * ' ', 8 * ' ');
        foreach (var value in _block)
            (sum, signed) = (sum + value, signed + unchecked((sbyte)value));
        foreach (var value in _block[148..156])
            (sum, signed) = (sum - value, signed - unchecked((sbyte)value));
        if (!TarNumber.TryReadOctal(_block[148..156], out var checksum))
            throw Invalid("it has no checksum");
        // Some old programs add the bytes as signed numbers.
        if (checksum != sum && checksum != signed)
            throw Invalid("its checksum is wrong");
    }

    /// <summary>The type flag of the entry.</summary>
    public char Type => (char)_block[156];

    /// <summary>
    /// Verifies the magic and the numbers. Call it after the type is known to be supported: headers of other types use the fields
    /// differently, and the type is the better reason for a rejection.
    /// </summary>
    /// <exception cref="Api.ApiException">400: the header has no known format, or a number is malformed.</exception>
    public void Check()
    {
        if (!HasKnownFormat())
            throw Invalid("it has no known tar format (ustar, PAX, GNU, star or v7)");
        // No program writes a mode in base 256, and Python fails at a mode that is too large for the system.
        if ((_block[100] & 0x80) != 0)
            throw Malformed("has a mode that is not an octal number");
        // Updraft ignores these fields, but Python reads a header with a malformed field as the end of the archive.
        if (!TarNumber.IsNumber(_block[100..108]) || !TarNumber.IsNumber(_block[108..116]) || !TarNumber.IsNumber(_block[116..124])
            || !TarNumber.IsNumber(_block[136..148]) || !TarNumber.IsNumber(_block[329..337]) || !TarNumber.IsNumber(_block[337..345]))
            throw Malformed("has a mode, an owner, a time or a device that is not a number");
    }

    /// <summary>The name, with the prefix of ustar.</summary>
    public byte[] ReadName()
    {
        var name = ReadText(_block[..100], "name");
        var prefix = IsUstar ? ReadText(_block[Prefix..(HasStarTimes ? StarTimes : PrefixEnd)], "prefix") : default;
        return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
    }

    /// <summary>The target of a link.</summary>
    public byte[] ReadLink() => ReadText(_block[157..257], "link name").ToArray();

    /// <summary>Whether the owner may execute the file. Updraft ignores all other mode bits.</summary>
    public bool ReadIsExecutable() => TarNumber.TryReadOctal(_block[100..108], out var mode) ? (mode & 0x40) != 0
        : TarNumber.IsBlank(_block[100..108]) ? false : throw Malformed("has a mode that is not an octal number");

    /// <summary>Length of the content that follows the header, in bytes.</summary>
    public long ReadSize() => ReadSize(_block[124..136]);

    /// <summary>Length of the file of a GNU header of type <c>S</c> with its holes, in bytes.</summary>
    public long ReadRealSize() => ReadSize(_block[483..495]);

    /// <summary>The fields of the first four segments of a GNU header of type <c>S</c>.</summary>
    public ReadOnlySpan<byte> Segments => _block[386..482];

    /// <summary>Whether blocks with more segments follow a GNU header of type <c>S</c>.</summary>
    public bool HasMoreSegments => _block[482] != 0;

    /// <summary>Whether the header has the format of GNU tar before PAX.</summary>
    public bool IsGnu => _block[257..265].SequenceEqual("ustar  \0"u8);

    private bool IsUstar => _block[257..263].SequenceEqual("ustar\0"u8);

    /// <summary>Whether access and change times are in the last bytes of the prefix. npm writes them by default, and star always.</summary>
    private bool HasStarTimes =>
        _block[StarTimes - 1] == 0 && TarNumber.IsTime(_block[StarTimes..488]) && TarNumber.IsTime(_block[488..PrefixEnd]);

    private bool HasKnownFormat()
    {
        var rest = _block[Prefix..];
        var signature = _block[PrefixEnd..];
        var hasEmptyEnd = !signature.ContainsAnyExcept((byte)0)
            || (!signature[..8].ContainsAnyExcept((byte)0) && signature[8..].SequenceEqual("tar\0"u8));
        if (IsUstar)
            return hasEmptyEnd;
        // GNU tar has no prefix. It writes times there with --incremental.
        if (IsGnu)
        {
            return TarNumber.IsTime(rest[..12]) && TarNumber.IsTime(rest[12..24])
                && !(Type == 'S' ? _block[495..] : rest[24..]).ContainsAnyExcept((byte)0);
        }
        // All programs read a header without a prefix as v7 if the magic is none of these two.
        var isOld = _block[257..262].SequenceEqual("ustar"u8) || !_block[257..329].ContainsAnyExcept((byte)0);
        return isOld && !rest[..(StarTimes - Prefix)].ContainsAnyExcept((byte)0)
            && (!rest.ContainsAnyExcept((byte)0) || (hasEmptyEnd && HasStarTimes));
    }

    private long ReadSize(ReadOnlySpan<byte> field) => TarNumber.TryReadSize(field, out var size) ? size : throw Malformed(
        (field[0] & 0x80) == 0 ? "has a size that is not an octal number" : "has a size that is negative or too large");

    private ReadOnlySpan<byte> ReadText(ReadOnlySpan<byte> field, string fieldName)
    {
        var end = field.IndexOf((byte)0);
        if (end < 0)
            return field;
        return field[end..].ContainsAnyExcept((byte)0) ? throw Malformed($"has a NUL inside its {fieldName}") : field[..end];
    }

    private Api.ApiException Malformed(string problem) =>
        BadArchive.Entry(BadArchive.Describe(_block[..100]), problem, "Pack the archive again.");

    private Api.ApiException Invalid(string reason) => _position == 0
        ? BadArchive.NotTar(_block, reason)
        : BadArchive.Because($"The entry '{BadArchive.Shorten(BadArchive.Describe(_block[..100]))}' at byte {_position} "
            + $"has a damaged header: {reason}. Pack the archive again and upload all of it.");
}
