using System.Buffers;
using System.Globalization;
using System.IO.Compression;
using System.Text;

namespace Updraft.Testing;

/// <summary>The tar format of a header.</summary>
internal enum TarFormat
{
    Ustar,
    Gnu,
    Old,
}

/// <summary>Writes valid and invalid tar archives, byte by byte.</summary>
internal sealed class TarBuilder
{
    private readonly ArrayBufferWriter<byte> _bytes = new();

    /// <summary>Length so far, in bytes.</summary>
    public int Length => _bytes.WrittenCount;

    public static byte[] Text(string text) => Encoding.UTF8.GetBytes(text);

    /// <summary>
    /// Adds a header without content. <paramref name="change"/> runs before the checksum, <paramref name="damage"/> after it.
    /// </summary>
    public TarBuilder Header(byte[] name, char type = '0', long size = 0, string link = "", int mode = 0x1a4,
        TarFormat format = TarFormat.Ustar, Action<byte[]>? change = null, Action<byte[]>? damage = null)
    {
        var header = new byte[512];
        name.AsSpan(0, Math.Min(name.Length, 100)).CopyTo(header);
        Octal(header.AsSpan(100, 8), mode);
        Octal(header.AsSpan(108, 8), 0);
        Octal(header.AsSpan(116, 8), 0);
        Octal(header.AsSpan(124, 12), size);
        Octal(header.AsSpan(136, 12), 0x65000000);
        header[156] = (byte)type;
        Text(link).CopyTo(header, 157);
        (format switch { TarFormat.Ustar => Text("ustar\u000000"), TarFormat.Gnu => Text("ustar  \0"), _ => [] }).CopyTo(header, 257);
        change?.Invoke(header);
        header.AsSpan(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header)
            sum += value;
        Octal(header.AsSpan(148, 7), sum);
        damage?.Invoke(header);
        _bytes.Write(header);
        return this;
    }

    /// <summary>Adds content, padded to whole blocks.</summary>
    public TarBuilder Content(ReadOnlySpan<byte> content)
    {
        _bytes.Write(content);
        _bytes.Write(new byte[(512 - content.Length % 512) % 512]);
        return this;
    }

    public TarBuilder File(string name, string content = "x", int mode = 0x1a4, TarFormat format = TarFormat.Ustar) =>
        File(Text(name), Text(content), mode, format);

    public TarBuilder File(byte[] name, byte[] content, int mode = 0x1a4, TarFormat format = TarFormat.Ustar) =>
        Header(name, '0', content.Length, mode: mode, format: format).Content(content);

    public TarBuilder Folder(string name) => Header(Text(name), '5', mode: 0x1ed);

    public TarBuilder SymbolicLink(string name, string target) => Header(Text(name), '2', link: target);

    public TarBuilder HardLink(string name, string target) => Header(Text(name), '1', link: target);

    /// <summary>Adds a PAX header with records.</summary>
    public TarBuilder Pax(params (string Key, string Value)[] records) => Extended('x', Records(records));

    public TarBuilder Extended(char type, byte[] payload) =>
        Header(Text(type is 'L' or 'K' ? "././@LongLink" : "PaxHeaders/extended"), type, payload.Length).Content(payload);

    public TarBuilder LongName(string name) => Extended('L', Text(name + "\0"));

    public TarBuilder LongLink(string target) => Extended('K', Text(target + "\0"));

    public TarBuilder Raw(ReadOnlySpan<byte> bytes)
    {
        _bytes.Write(bytes);
        return this;
    }

    /// <summary>The archive with its end; a valid end has two blocks of zeros.</summary>
    public byte[] ToArray(int zeroBlocks = 2) => [.. _bytes.WrittenSpan, .. new byte[zeroBlocks * 512]];

    public static byte[] Records(params (string Key, string Value)[] records)
    {
        var bytes = new List<byte>();
        foreach (var (key, value) in records)
        {
            var rest = Text($" {key}={value}\n");
            var length = rest.Length + 1;
            while (length != rest.Length + length.ToString(CultureInfo.InvariantCulture).Length)
                length = rest.Length + length.ToString(CultureInfo.InvariantCulture).Length;
            bytes.AddRange(Text(length.ToString(CultureInfo.InvariantCulture)));
            bytes.AddRange(rest);
        }
        return [.. bytes];
    }

    public static byte[] Gzip(byte[] bytes)
    {
        using var packed = new MemoryStream();
        using (var gzip = new GZipStream(packed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(bytes);
        return packed.ToArray();
    }

    public static byte[] Zstd(byte[] bytes)
    {
        using var compressor = new ZstdSharp.Compressor(3);
        return compressor.Wrap(bytes).ToArray();
    }

    private static void Octal(Span<byte> field, long value)
    {
        var text = Convert.ToString(value, 8).PadLeft(field.Length - 1, '0');
        Text(text[^(field.Length - 1)..]).CopyTo(field);
        field[^1] = 0;
    }
}
