using System.Buffers.Binary;

namespace Updraft.Server.Archives;

/// <summary>The numbers in fields of a tar header.</summary>
internal static class TarNumber
{
    /// <summary>Reads spaces, octal digits, then only spaces and NULs.</summary>
    public static bool TryReadOctal(ReadOnlySpan<byte> field, out long value)
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

    /// <summary>Reads a size: octal, base 256, or only NULs for 0.</summary>
    public static bool TryReadSize(ReadOnlySpan<byte> field, out long value)
    {
        value = 0;
        if ((field[0] & 0x80) == 0)
            return TryReadOctal(field, out value) || IsBlank(field);
        // Base 256: the top bit is set, and a big-endian number follows. The next bit is the sign.
        if (field[0] != 0x80 || field[1..4].ContainsAnyExcept((byte)0) || (field[4] & 0x80) != 0)
            return false;
        value = BinaryPrimitives.ReadInt64BigEndian(field[4..]);
        return true;
    }

    /// <summary>Whether a field has only NULs, which all programs read as 0.</summary>
    public static bool IsBlank(ReadOnlySpan<byte> field) => !field.ContainsAnyExcept((byte)0);

    /// <summary>Whether a field is octal, base 256 or blank. Bytes after a NUL do not count.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> field)
    {
        var end = field.IndexOf((byte)0);
        var text = end < 0 ? field : field[..end];
        return field[0] is 0x80 or 0xff || !text.ContainsAnyExcept((byte)' ') || TryReadOctal(text, out _);
    }

    /// <summary>Whether a field is blank or has a time: base 256, or octal up to its end.</summary>
    public static bool IsTime(ReadOnlySpan<byte> field) => IsBlank(field) || field[0] is 0x80 or 0xff || TryReadOctal(field, out _);
}
