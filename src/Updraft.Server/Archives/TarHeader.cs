using System.Buffers.Binary;

namespace Updraft.Server.Archives;

/// <summary>One 512-byte header of a tar archive. The layout:
/// <code>
///   0 name 100     100 mode 8     108 uid 8   116 gid 8   124 size 12   136 mtime 12   148 checksum 8
/// 156 type 1       157 link 100   257 magic 6, version 2  265 user 32   297 group 32
/// 329 major 8      337 minor 8    345 prefix 155          500 unused 12
/// </code>
/// </summary>
internal readonly ref struct TarHeader
{
    public const int Size = 512;

    private readonly ReadOnlySpan<byte> _block;
    private readonly long _position;

    /// <summary>Verifies the checksum, the magic and the numbers of a header.</summary>
    /// <param name="block">At least 512 bytes.</param>
    /// <param name="position">Byte offset in the archive, for messages.</param>
    /// <exception cref="Api.ApiException">400: the block is not a header of a tar archive, or is damaged.</exception>
    public TarHeader(ReadOnlySpan<byte> block, long position)
    {
        _block = block[..Size];
        _position = position;
        var sum = 8 * ' ';
        foreach (var value in _block)
            sum += value;
        foreach (var value in _block[148..156])
            sum -= value;
        if (!TryReadOctal(_block[148..156], out var checksum))
            throw Invalid("it has no checksum");
        if (checksum != sum)
            throw Invalid("its checksum is wrong");
        CheckMagic();
        // No program writes a mode in base 256, and Python fails at a mode that is too large for the system.
        if ((_block[100] & 0x80) != 0)
            throw Malformed("has a mode that is not an octal number");
        // Updraft ignores these fields, but Python reads a header with a malformed field as the end of the archive.
        if (!IsNumber(_block[100..108]) || !IsNumber(_block[108..116]) || !IsNumber(_block[116..124]) || !IsNumber(_block[136..148])
            || !IsNumber(_block[329..337]) || !IsNumber(_block[337..345]))
            throw Malformed("has a mode, an owner, a time or a device that is not a number");
    }

    /// <summary>The type flag of the entry.</summary>
    public char Type => (char)_block[156];

    /// <summary>Whether the header has the format v7, which has no type flag for directories.</summary>
    public bool IsV7 => _block[257] == 0;

    /// <summary>The name, with the prefix of ustar.</summary>
    public byte[] ReadName()
    {
        var name = ReadText(_block[..100], "name");
        var prefix = IsUstar ? ReadText(_block[345..500], "prefix") : default;
        return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
    }

    /// <summary>The target of a link.</summary>
    public byte[] ReadLink() => ReadText(_block[157..257], "link name").ToArray();

    /// <summary>Whether the owner may execute the file. Updraft ignores all other mode bits.</summary>
    public bool ReadIsExecutable() =>
        TryReadOctal(_block[100..108], out var mode) ? (mode & 0x40) != 0 : throw Malformed("has a mode that is not an octal number");

    /// <summary>Length of the content that follows the header, in bytes.</summary>
    public long ReadSize()
    {
        var field = _block[124..136];
        if ((field[0] & 0x80) == 0)
            return TryReadOctal(field, out var size) ? size : throw Malformed("has a size that is not an octal number");
        // Base 256: the top bit is set, and a big-endian number follows. The next bit is the sign.
        if (field[0] != 0x80 || field[1..4].ContainsAnyExcept((byte)0) || (field[4] & 0x80) != 0)
            throw Malformed("has a size that is negative or too large");
        return BinaryPrimitives.ReadInt64BigEndian(field[4..]);
    }

    private bool IsUstar => _block[262] == 0 && _block[257] != 0;

    private void CheckMagic()
    {
        var magic = _block[257..265];
        var rest = _block[345..];
        var good = magic.SequenceEqual("ustar\u000000"u8) ? !rest[155..].ContainsAnyExcept((byte)0)
            // GNU has no prefix. Its bytes there belong to sparse files and incremental dumps, which Updraft does not support.
            : magic.SequenceEqual("ustar  \0"u8) ? !rest.ContainsAnyExcept((byte)0)
            : !_block[257..329].ContainsAnyExcept((byte)0) && !rest.ContainsAnyExcept((byte)0);
        if (!good)
            throw Invalid("it has no known tar format (ustar, PAX, GNU or v7)");
    }

    private ReadOnlySpan<byte> ReadText(ReadOnlySpan<byte> field, string fieldName)
    {
        var end = field.IndexOf((byte)0);
        if (end < 0)
            return field;
        return field[end..].ContainsAnyExcept((byte)0) ? throw Malformed($"has a NUL inside its {fieldName}") : field[..end];
    }

    /// <summary>Spaces, octal digits, then only spaces and NULs.</summary>
    private static bool TryReadOctal(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        field = field.TrimStart((byte)' ');
        var digits = field.IndexOfAnyExceptInRange((byte)'0', (byte)'7');
        if (digits < 0)
            digits = field.Length;
        if (digits == 0 || field[digits..].ContainsAnyExcept((byte)' ', (byte)0))
            return false;
        foreach (var digit in field[..digits])
            value = value << 3 | (uint)(digit - '0');
        return true;
    }

    /// <summary>Octal, base 256 or blank. Bytes after a NUL do not count.</summary>
    private static bool IsNumber(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        var text = end < 0 ? field : field[..end];
        return field[0] is 0x80 or 0xff || !text.ContainsAnyExcept((byte)' ') || TryReadOctal(text, out _);
    }

    private Api.ApiException Malformed(string problem) =>
        BadArchive.Entry(BadArchive.Describe(_block[..100]), problem, "Pack the archive again.");

    private Api.ApiException Invalid(string reason) => _position == 0
        ? BadArchive.NotTar(_block, reason)
        : BadArchive.Because($"The entry '{BadArchive.Shorten(BadArchive.Describe(_block[..100]))}' at byte {_position} "
            + $"has a damaged header: {reason}. Pack the archive again and upload all of it.");
}
