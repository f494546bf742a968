using System.Globalization;
using System.Text;

namespace Updraft.Testing;

/// <summary>Writes a tree in a <see cref="Dialect"/>. The same seed creates the same archive.</summary>
internal sealed class DialectWriter
{
    private readonly TarBuilder _tar = new();
    private readonly Dialect _dialect;

    private DialectWriter(Dialect dialect) => _dialect = dialect;

    /// <summary>An archive, and its dialect for messages.</summary>
    public static (byte[] Archive, Dialect Dialect) Make(int seed)
    {
        var random = new Random(seed);
        var dialect = Dialect.Make(random);
        var nodes = DialectTree.Make(random, dialect.Longest - dialect.Before.Length, dialect.Holes != Holes.None);
        var plain = new DialectWriter(dialect).Write(nodes);
        return (DialectCompression.Pack(plain, dialect.Compression, random), dialect);
    }

    private byte[] Write(IReadOnlyList<DialectNode> nodes)
    {
        if (_dialect.HasGlobalHeader)
            Extended('g', TarBuilder.Records(("comment", "0123abcd"), ("uname", "root")));
        if (_dialect.HasLabel)
            Header("nightly", 'V', 0, 0, "");
        if (_dialect.Root is { } root)
            Header(root, _dialect.IsDump && _dialect.Long == LongNames.Gnu ? 'D' : '5', 0x1ed, 0, "");
        foreach (var node in nodes)
            Write(node);
        var length = _tar.Length + 2 * 512;
        return _tar.ToArray(2 + (_dialect.Record - length % _dialect.Record) % _dialect.Record / 512);
    }

    private void Write(DialectNode node)
    {
        var name = _dialect.Before + node.Path;
        switch (node.Kind)
        {
            case DialectKind.Directory when !_dialect.HasDirectories:
                break;
            case DialectKind.Directory when _dialect.IsDump && _dialect.Long == LongNames.Gnu:
                Entry(name + "/", 'D', node.Mode, TarBuilder.Text("Ya.py\0Db\0\0"), "");
                break;
            case DialectKind.Directory:
                // v7 has no type for directories; the slash marks them.
                var isOld = _dialect.Magic[0] == '\0';
                Entry(name + (_dialect.HasSlashAfterDirectory || isOld ? "/" : ""), isOld ? '\0' : '5', node.Mode, [], "");
                break;
            case DialectKind.SymbolicLink:
                Entry(name, '2', node.Mode, [], node.Target);
                break;
            case DialectKind.HardLink:
                Entry(name, '1', node.Mode, [], _dialect.Before + node.Target);
                break;
            case DialectKind.File when _dialect.Holes != Holes.None && node.Content.Length >= 4096:
                Sparse(name, node);
                break;
            default:
                Entry(name, _dialect.Magic[0] == '\0' ? '\0' : '0', node.Mode, node.Content, "");
                break;
        }
    }

    private void Entry(string name, char type, int mode, byte[] content, string link, List<(string, string)>? records = null,
        string? shortName = null, Action<byte[]>? change = null)
    {
        records ??= [];
        var (stored, storedLink, prefix) = (shortName ?? name, link, "");
        if (IsLong(stored) || (_dialect.Long == LongNames.Pax && !IsAscii(stored)))
        {
            if (_dialect.Long == LongNames.Gnu)
                Extended('L', TarBuilder.Text(stored + "\0"));
            else if (_dialect.Long == LongNames.PrefixOrPax && Split(stored) is { } at)
                (prefix, stored) = (stored[..at], stored[(at + 1)..]);
            else
                records.Add(("path", stored));
        }
        if (IsLong(link))
        {
            if (_dialect.Long == LongNames.Gnu)
                Extended('K', TarBuilder.Text(link + "\0"));
            else
                records.Add(("linkpath", link));
            storedLink = "";
        }
        if (_dialect.Times == "pax")
            records.AddRange([("mtime", "1700000000.123456789"), ("atime", "1700000001.5"), ("LIBARCHIVE.creationtime", "1700000000"),
                ("SCHILY.dev", "2049"), ("SCHILY.xattr.user.x", "y")]);
        if (_dialect.IsDump && type == '5')
            records.Add(("GNU.dumpdir", "Ya.py\0\0"));
        if (records.Count > 0)
            Extended('x', TarBuilder.Records([.. records]));
        Header(stored, type, mode, content.Length, storedLink, prefix, change);
        _tar.Content(content);
    }

    private void Sparse(string name, DialectNode node)
    {
        var map = DialectHoles.Find(node.Content);
        var data = DialectHoles.Data(node.Content, map);
        var size = node.Content.Length.ToString(CultureInfo.InvariantCulture);
        var count = map.Count.ToString(CultureInfo.InvariantCulture);
        var storedName = $"{_dialect.Before}GNUSparseFile.0/{(IsLong(node.Path) ? "long" : node.Path)}";
        switch (_dialect.Holes)
        {
            case Holes.OldGnu:
                if (IsLong(name))
                    Extended('L', TarBuilder.Text(name + "\0"));
                Header(name, 'S', node.Mode, data.Length, "", change: header => DialectHoles.WriteFields(header, map, node.Content.Length));
                foreach (var block in DialectHoles.FurtherBlocks(map))
                    _tar.Raw(block);
                _tar.Content(data);
                break;
            case Holes.Pax00:
                Entry(name, '0', node.Mode, data, "", [("GNU.sparse.size", size), ("GNU.sparse.numblocks", count),
                    .. map.SelectMany(run => new[] { ("GNU.sparse.offset", $"{run.Offset}"), ("GNU.sparse.numbytes", $"{run.Length}") })]);
                break;
            case Holes.Pax01:
                Entry(name, '0', node.Mode, data, "", [("GNU.sparse.name", name), ("GNU.sparse.size", size),
                    ("GNU.sparse.numblocks", count), ("GNU.sparse.map", string.Join(',', map.Select(run => $"{run.Offset},{run.Length}")))], storedName);
                break;
            default:
                var text = $"{count}\n{string.Concat(map.Select(run => $"{run.Offset}\n{run.Length}\n"))}";
                byte[] stored = [.. TarBuilder.Text(text.PadRight((text.Length + 511) / 512 * 512, '\0')), .. data];
                Entry(name, '0', node.Mode, stored, "", [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", name),
                    ("GNU.sparse.realsize", size)], storedName);
                break;
        }
    }

    private void Extended(char type, byte[] payload)
    {
        var name = type is 'L' or 'K' ? "././@LongLink" : type == 'g' ? "pax_global_header" : "PaxHeaders/entry";
        Header(name, type, 0x1a4, payload.Length, "");
        _tar.Content(payload);
    }

    private void Header(string name, char type, int mode, long size, string link, string prefix = "", Action<byte[]>? change = null) =>
        _tar.Header(TarBuilder.Text(name), type, size, Encoding.UTF8.GetByteCount(link) <= 100 ? link : "", mode, change: header =>
        {
            header.AsSpan(257, 8).Clear();
            TarBuilder.Text(_dialect.Magic).CopyTo(header, 257);
            foreach (var (start, length, value) in new (int, int, long)[] { (100, 8, mode), (108, 8, 1000), (116, 8, 1000), (124, 12, size),
                (136, 12, 1_700_000_000) })
                Number(header.AsSpan(start, length), value);
            if (_dialect.Magic[0] != '\0')
            {
                TarBuilder.Text("airflow").CopyTo(header, 265);
                TarBuilder.Text("root").CopyTo(header, 297);
            }
            if (!_dialect.HasBlankDevice)
            {
                Number(header.AsSpan(329, 8), 0);
                Number(header.AsSpan(337, 8), 0);
            }
            TarBuilder.Text(prefix).CopyTo(header, 345);
            if (_dialect.Times == "prefix" && Encoding.UTF8.GetByteCount(prefix) < 130)
            {
                Number(header.AsSpan(476, 12), 1_700_000_001);
                Number(header.AsSpan(488, 12), 1_700_000_002);
            }
            if (_dialect.Times == "gnu" && type is not ('L' or 'K' or 'V'))
            {
                Number(header.AsSpan(345, 12), 1_700_000_001);
                Number(header.AsSpan(357, 12), 1_700_000_002);
            }
            TarBuilder.Text(_dialect.End).CopyTo(header, 508);
            change?.Invoke(header);
        });

    private void Number(Span<byte> field, long value)
    {
        // Sizes and times need eleven digits, so they end with one character.
        var end = field.Length == 12 ? _dialect.NumberEnd[..1] : _dialect.NumberEnd;
        TarBuilder.Text(Convert.ToString(value, 8).PadLeft(field.Length - end.Length, _dialect.NumberPadding) + end).CopyTo(field);
    }

    private static bool IsLong(string name) => Encoding.UTF8.GetByteCount(name) > 100;

    private static bool IsAscii(string name) => name.All(char.IsAscii);

    /// <summary>Where ustar splits a name into prefix and name; null if it cannot.</summary>
    private static int? Split(string name)
    {
        for (var at = name.Length - 2; at > 0; at--)
        {
            if (name[at] == '/' && Encoding.UTF8.GetByteCount(name.AsSpan(0, at)) <= 155
                && Encoding.UTF8.GetByteCount(name.AsSpan(at + 1)) is > 0 and <= 100)
                return at;
        }
        return null;
    }
}
