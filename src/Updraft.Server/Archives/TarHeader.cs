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

    /// <summary>Takes a header that is known to be one: its checksum and its magic are right.</summary>
    /// <param name="block">512 bytes.</param>
    /// <param name="position">Where it stands, for messages.</param>
    /// <exception cref="Api.ApiException">400: it is no header of a tar archive, or a damaged one.</exception>
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
            throw NoHeader("it has no checksum");
        if (checksum != sum)
            throw NoHeader("its checksum is wrong");
        CheckMagic();
        // Nobody writes a mode in base 256, and Python gives up at one that is too large for the system.
        if ((_block[100] & 0x80) != 0)
            throw Broken("has a mode that is no octal number");
        // They mean nothing here, but Python takes a header with such a field for the archive's end.
        if (!IsNumber(_block[100..108]) || !IsNumber(_block[108..116]) || !IsNumber(_block[116..124]) || !IsNumber(_block[136..148])
            || !IsNumber(_block[329..337]) || !IsNumber(_block[337..345]))
            throw Broken("has a mode, an owner, a time or a device that is no number");
    }

    /// <summary>The kind of entry, as its character.</summary>
    public char Type => (char)_block[156];

    /// <summary>Whether it is a header of the first tar programs, which had no letter for folders.</summary>
    public bool IsOld => _block[257] == 0;

    /// <summary>Name, with the prefix that ustar puts before it.</summary>
    public byte[] ReadName()
    {
        var name = ReadText(_block[..100], "name");
        var prefix = IsUstar ? ReadText(_block[345..500], "prefix") : default;
        return prefix.IsEmpty ? name.ToArray() : [.. prefix, (byte)'/', .. name];
    }

    /// <summary>What a link points to.</summary>
    public byte[] ReadLink() => ReadText(_block[157..257], "link name").ToArray();

    /// <summary>Whether the owner may execute the file. No other mode bit means anything here.</summary>
    public bool ReadIsExecutable() =>
        TryReadOctal(_block[100..108], out var mode) ? (mode & 0x40) != 0 : throw Broken("has a mode that is no octal number");

    /// <summary>Length of what follows the header.</summary>
    public long ReadSize()
    {
        var field = _block[124..136];
        if ((field[0] & 0x80) == 0)
            return TryReadOctal(field, out var size) ? size : throw Broken("has a size that is no octal number");
        // Base 256: a set top bit, then a big-endian number; negative ones have the next bit set too.
        if (field[0] != 0x80 || field[1..4].ContainsAnyExcept((byte)0) || (field[4] & 0x80) != 0)
            throw Broken("has a size that is negative or too large");
        return BinaryPrimitives.ReadInt64BigEndian(field[4..]);
    }

    private bool IsUstar => _block[262] == 0 && _block[257] != 0;

    private void CheckMagic()
    {
        var magic = _block[257..265];
        var rest = _block[345..];
        var good = magic.SequenceEqual("ustar\u000000"u8) ? !rest[155..].ContainsAnyExcept((byte)0)
            // GNU has no prefix: what stands there belongs to sparse files and incremental dumps, which are not taken.
            : magic.SequenceEqual("ustar  \0"u8) ? !rest.ContainsAnyExcept((byte)0)
            : !_block[257..329].ContainsAnyExcept((byte)0) && !rest.ContainsAnyExcept((byte)0);
        if (!good)
            throw NoHeader("it is of no known tar format (ustar, PAX, GNU or v7)");
    }

    private ReadOnlySpan<byte> ReadText(ReadOnlySpan<byte> field, string what)
    {
        var end = field.IndexOf((byte)0);
        if (end < 0)
            return field;
        return field[end..].ContainsAnyExcept((byte)0) ? throw Broken($"has a NUL inside its {what}") : field[..end];
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

    /// <summary>Octal, base 256 or blank; what follows a NUL does not count.</summary>
    private static bool IsNumber(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        var text = end < 0 ? field : field[..end];
        return field[0] is 0x80 or 0xff || !text.ContainsAnyExcept((byte)' ') || TryReadOctal(text, out _);
    }

    private Api.ApiException Broken(string problem) =>
        BadArchive.Entry(BadArchive.Describe(_block[..100]), problem, "Pack the archive again.");

    private Api.ApiException NoHeader(string why) => _position == 0
        ? BadArchive.NoTar(_block, why)
        : BadArchive.Because($"The entry '{BadArchive.Shorten(BadArchive.Describe(_block[..100]))}' at byte {_position} "
            + $"has a damaged header: {why}. Pack the archive again and upload all of it.");
}
