using System.Text;

namespace Updraft.Testing;

/// <summary>
/// Random archives that are almost valid, so that a reader may accept them. They have sizes, names and numbers in every encoding, and
/// fields that contradict each other. They also have contents that look like headers, moved blocks, and flipped bits with a corrected
/// checksum. The same seed creates the same archive.
/// </summary>
internal sealed class OddArchives
{
    private static readonly string[] Names =
    [
        "a", "b.py", "d/c", "d/e/f.txt", "./g", "é", "日本 🚀.py", "two words", ".hidden", "x -> y", "x link to y", new('n', 99),
        new('n', 100),
        "p/" + new string('q', 98), new string('l', 255), string.Join('/', Enumerable.Repeat("deep", 50)), "-rf", "C", "~", "a=b", "7",
    ];

    private static readonly (string Key, string Value)[] Records =
    [
        ("mtime", "1700000000.25"), ("mtime", "-1"), ("mtime", ""), ("mtime", "never"), ("atime", "1e9"), ("uid", "12"), ("uid", "-7"),
        ("uid", "many"), ("gname", ""), ("comment", "21 hdrcharset=BINARY\n"), ("comment", "30 path=somewhere/else\n"), ("path\0", "evil"),
        ("Path", "evil"), ("path ", "evil"), (" path", "evil"), ("\npath", "evil"), ("SCHILY.realsize", "3"), ("GNU.volume.offset", "1"),
        ("GNU.volume.filename", "evil"), ("GNU.dumpdir", "Yevil\0\0"), ("GNU.sparse.size", "9"), ("SCHILY.xattr.user.x", "\0\u0001"),
        ("LIBARCHIVE.creationtime", "5"), ("charset", "BINARY"), ("linkpath", "elsewhere"), ("RHT.security.selinux", "x"), ("size", "0"),
    ];

    private readonly Random _random;
    private readonly HashSet<string> _used = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> _files = [];
    private readonly TarBuilder _tar = new();

    private OddArchives(int seed) => _random = new Random(seed);

    public static byte[] Make(int seed) => new OddArchives(seed).Make();

    private byte[] Make()
    {
        if (Chance(8))
            _tar.Extended('g', TarBuilder.Records(Chance(2) ? ("comment", "0123abcd") : Pick(Records)));
        for (var left = _random.Next(1, 6); left > 0; left--)
            Add();
        var tar = _tar.ToArray(Chance(6) ? _random.Next(0, 20) : 2);
        if (Chance(3))
            Mutate(tar);
        return Chance(5) ? TarBuilder.Gzip(tar) : tar;
    }

    private void Add()
    {
        var name = Pick(Names);
        if (!_used.Add(name) && !Chance(20))
            return;
        switch (_random.Next(8))
        {
            case 0:
                AddEntry(name + (Chance(2) ? "/" : ""), '5', []);
                break;
            case 1 when _files.Count > 0:
                AddEntry(name, '1', [], Pick([.. _files]));
                break;
            case 2 when _files.Count > 0:
                var up = string.Concat(Enumerable.Repeat("../", name.Replace("./", "", StringComparison.Ordinal).Count(c => c == '/')));
                AddEntry(name, '2', [], up + Pick([.. _files]));
                break;
            default:
                var content = Content();
                AddEntry(name + (Chance(40) ? "/" : ""), Chance(3) ? '\0' : Chance(40) ? (char)_random.Next(128) : '0', content);
                _files.Add(name);
                break;
        }
    }

    /// <summary>Some contents look like a header, for readers that confuse them.</summary>
    private byte[] Content() => _random.Next(4) switch
    {
        0 => [],
        1 => new TarBuilder().File("smuggled", "content that was never there").ToArray(_random.Next(3)),
        2 => TarBuilder.Text(new string('c', Pick([511, 512, 513, 1024]))),
        _ => TarBuilder.Text("text " + _random.Next(5)),
    };

    private void AddEntry(string name, char type, byte[] content, string link = "")
    {
        var format = Pick([TarFormat.Ustar, TarFormat.Ustar, TarFormat.Gnu, TarFormat.Old]);
        var (stored, bytes) = (name, Encoding.UTF8.GetByteCount(name));
        var records = new List<(string, string)>();
        var prefix = "";
        if (bytes <= 100 && format == TarFormat.Ustar && name.IndexOf('/', StringComparison.Ordinal) is > 0 and var slash && Chance(3))
            (prefix, stored) = (name[..slash], name[(slash + 1)..]);
        else if (Chance(4) || (bytes > 100 && Chance(2)))
            (stored, records) = (Other(name), [("path", name)]);
        else if (Chance(4) || bytes > 100)
        {
            stored = Other(name);
            _tar.Extended('L', TarBuilder.Text(name + (Chance(8) ? "" : "\0")));
        }
        if (link.Length > 0 && (Encoding.UTF8.GetByteCount(link) > 100 || Chance(4)))
        {
            if (records.Count > 0)
                records.Add(("linkpath", link));
            else
                _tar.LongLink(link);
            link = Chance(2) ? "other" : "";
        }
        if (records.Count > 0 && Chance(3))
            records.Add(Pick(Records));
        else if (Chance(8))
            records.Add(Pick(Records));
        long size = content.Length;
        if (Chance(6))
        {
            records.Add(("size", $"{size + (Chance(8) ? 512 : 0)}"));
            size = Chance(2) ? size : 0;
        }
        if (records.Count > 0)
            _tar.Pax([.. records]);
        _tar.Header(TarBuilder.Text(stored), type, size, link, Pick([0x1a4, 0x1ed, 0x180, 0x1c0]), format, header =>
        {
            TarBuilder.Text(prefix).CopyTo(header, 345);
            if (Chance(5))
                Number(header.AsSpan(124, 12), size);
            if (Chance(6))
                Oddity(header);
        });
        _tar.Content(content);
    }

    /// <summary>The name in the header if an extended header has the real name.</summary>
    private string Other(string name) => _random.Next(5) switch
    {
        0 => "folder/",
        1 => "../outside",
        2 => "/absolute",
        3 => "short",
        _ => name[..Math.Min(name.Length, 20)],
    };

    private void Number(Span<byte> field, long value)
    {
        var octal = Convert.ToString(value, 8);
        switch (_random.Next(6))
        {
            case 0:
                field.Clear();
                field[0] = 0x80;
                System.Buffers.Binary.BinaryPrimitives.WriteInt32BigEndian(field[^4..], (int)value);
                break;
            case 1:
                TarBuilder.Text(octal.PadLeft(field.Length, '0')).CopyTo(field);
                break;
            case 2:
                TarBuilder.Text((octal + " ").PadLeft(field.Length)).CopyTo(field);
                break;
            case 3:
                TarBuilder.Text((octal + "\0").PadRight(field.Length)).CopyTo(field);
                break;
            case 4:
                TarBuilder.Text(octal.PadRight(field.Length, '\0')).CopyTo(field);
                break;
            default:
                TarBuilder.Text(("+" + octal).PadRight(field.Length, ' ')).CopyTo(field);
                break;
        }
    }

    private void Oddity(byte[] header)
    {
        var (start, length) = Pick([(100, 8), (108, 8), (116, 8), (136, 12), (329, 8), (337, 8)]);
        var field = header.AsSpan(start, length);
        switch (_random.Next(7))
        {
            case 0:
                field.Fill((byte)' ');
                break;
            case 1:
                field.Clear();
                break;
            case 2:
                field.Fill(0xff);
                break;
            case 3:
                field[0] = 0x80;
                break;
            case 4:
                field[_random.Next(length)] = (byte)_random.Next(256);
                break;
            case 5:
                TarBuilder.Text("-1").CopyTo(field);
                break;
            default:
                _random.NextBytes(field);
                break;
        }
    }

    private void Mutate(byte[] tar)
    {
        var blocks = tar.Length / 512;
        for (var times = _random.Next(1, 3); times > 0; times--)
        {
            var block = tar.AsSpan(_random.Next(blocks) * 512, 512);
            switch (_random.Next(5))
            {
                case 0:
                    tar.AsSpan(_random.Next(blocks) * 512, 512).ToArray().CopyTo(block);
                    break;
                case 1:
                    block.Clear();
                    break;
                default:
                    block[Pick([_random.Next(512), 124 + _random.Next(12), 156, 257 + _random.Next(8), _random.Next(100)])] =
                        Pick([(byte)_random.Next(256), (byte)0, (byte)' ', (byte)'0', (byte)'/']);
                    Correct(block);
                    break;
            }
        }
    }

    private static void Correct(Span<byte> header)
    {
        header.Slice(148, 8).Fill((byte)' ');
        var sum = 0;
        foreach (var value in header)
            sum += value;
        TarBuilder.Text(Convert.ToString(sum, 8).PadLeft(6, '0') + "\0").CopyTo(header[148..]);
    }

    private bool Chance(int oneIn) => _random.Next(oneIn) == 0;

    private T Pick<T>(T[] all) => all[_random.Next(all.Length)];
}
