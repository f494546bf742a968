namespace Updraft.Testing;

/// <summary>Ambiguous archives: sparse files, headers that extend each other, and headers that programs read differently.</summary>
internal static partial class HostileArchives
{
    private static IEnumerable<(string Name, HostileArchive Archive)> Sparse()
    {
        foreach (var (what, records, reason) in new (string, (string, string)[], string)[]
        {
            ("0.0 without a length", [("GNU.sparse.size", "9"), ("GNU.sparse.offset", "0")], "--sparse"),
            ("0.0 with two offsets", [("GNU.sparse.size", "9"), ("GNU.sparse.offset", "0"), ("GNU.sparse.offset", "1")], "--sparse"),
            ("0.0 without a size", [("GNU.sparse.offset", "0"), ("GNU.sparse.numbytes", "1")], "--sparse"),
            ("0.1 of 1 TiB", [("GNU.sparse.size", "1099511627776"), ("GNU.sparse.map", "0,1")], "larger"),
            ("0.1 with half a pair", [("GNU.sparse.size", "9"), ("GNU.sparse.map", "0")], "--sparse"),
            ("0.1 with words", [("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,a")], "--sparse"),
            ("0.1 with an overlap", [("GNU.sparse.size", "9"), ("GNU.sparse.map", "4,1,0,0")], "--sparse"),
            ("0.1 beyond its end", [("GNU.sparse.size", "9"), ("GNU.sparse.map", "9,1")], "--sparse"),
            ("0.1 with an immense length", [("GNU.sparse.size", "9"), ("GNU.sparse.map", "1,9223372036854775807")], "--sparse"),
            ("0.1 with fewer bytes than stored", [("GNU.sparse.size", "9"), ("GNU.sparse.map", "0,0")], "--sparse"),
            ("1.0 of 1 TiB", [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "1099511627776")], "larger"),
            ("1.0 with a map of words", [("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9")], "--sparse"),
            ("2.0", [("GNU.sparse.major", "2"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9")], "version '2.0'"),
        })
            yield return ($"A24 sparse {what}", new(() => Tar.Pax(records).File("GNUSparseFile.0/s").ToArray(), reason));
        yield return ("A24 sparse map without an end", new(
            () => Tar.Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.realsize", "9"))
                .File(TarBuilder.Text("s"), TarBuilder.Text("999999999\n" + string.Concat(Enumerable.Repeat("1\n", 700_000)))).ToArray(),
            "'s'", "1048576"));
        yield return ("A24 old sparse of 1 TiB", new(() => Tar.Header(TarBuilder.Text("s"), 'S', format: TarFormat.Gnu, change: header =>
        {
            // One segment of no bytes, then the real size.
            TarBuilder.Text("00000000000\000000000000\0").CopyTo(header, 386);
            TarBuilder.Text("20000000000\0").CopyTo(header, 483);
        }).ToArray(), "'s'"));
        yield return ("A24 sparse for the whole archive", new(
            () => Tar.Extended('g', TarBuilder.Records(("GNU.sparse.major", "1"))).File("s").ToArray(), "'GNU.sparse.major'"));
        yield return ("A24 real size by star", new(
            () => Tar.Pax(("SCHILY.realsize", "1099511627776")).File("s").ToArray(), "PaxHeaders/extended", "star"));
        yield return ("A24 volume by PAX", new(
            () => Tar.Pax(("GNU.volume.filename", "s"), ("GNU.volume.offset", "1")).File("s").ToArray(), "PaxHeaders/extended", "volume"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Combinations()
    {
        yield return ("A25 long name and long link before PAX", new(
            () => Tar.File("f").LongName("a").LongLink("f").Pax(("path", "b")).HardLink("y", "f").ToArray(), "PaxHeaders/extended"));
        yield return ("A25 two long links", new(
            () => Tar.File("f").LongLink("f").LongLink("g").HardLink("y", "f").ToArray(), "LongLink"));
        yield return ("A25 global between long name and file", new(
            () => Tar.LongName("a").Extended('g', TarBuilder.Records(("comment", "c"))).File("y").ToArray(), "PaxHeaders/extended"));
        yield return ("A25 PAX size of a directory", new(() => Tar.Pax(("size", "512")).Folder("d").ToArray(), "'d'", "size"));
        yield return ("A25 PAX size of a link", new(
            () => Tar.File("f").Pax(("size", "512")).HardLink("h", "f").ToArray(), "'h'", "size"));
        yield return ("A25 size over the limit by PAX", new(
            () => Tar.Pax(("size", "1099511627776")).Header(TarBuilder.Text("big")).ToArray(), "'big'", "1073741824"));
        yield return ("A25 NUL in a key", new(
            () => Tar.Pax(("path\0", "b")).File("y").ToArray(), "PaxHeaders/extended", "record"));
        yield return ("A25 line break in a key", new(
            () => Tar.Pax(("\npath", "b")).File("y").ToArray(), "PaxHeaders/extended", "record"));
        yield return ("A25 NUL in a key for the whole archive", new(
            () => Tar.Extended('g', TarBuilder.Records(("comment\0", "b"))).File("y").ToArray(), "PaxHeaders/extended", "record"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Numbers()
    {
        foreach (var (field, start, length) in new[]
        {
            ("mode", 100, 8), ("owner", 108, 8), ("group", 116, 8), ("time", 136, 12), ("device", 329, 8), ("minor device", 337, 8),
        })
        {
            // Python silently ends the archive at such a header.
            yield return ($"A26 {field} of words", new(() => Tar.File("before").Header(TarBuilder.Text("n"), change: header =>
                TarBuilder.Text("words ")[..Math.Min(6, length)].CopyTo(header, start)).ToArray(), "'n'", "number"));
            yield return ($"A26 {field} with a digit too many", new(() => Tar.File("before").Header(TarBuilder.Text("n"), change: header =>
                TarBuilder.Text("0000009\0").CopyTo(header, start)).ToArray(), "'n'", "number"));
        }
        yield return ("A26 size with a sign", new(() => WithSize(TarBuilder.Text("+0000000001\0")), "'n'", "octal"));
        yield return ("A26 size of 12 digits over the limit", new(() => WithSize(TarBuilder.Text("777777777777")), "'n'", "larger"));
        yield return ("A26 size of base 256 with a bit too many",
            new(() => WithSize([0x81, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]), "'n'", "too large"));
        yield return ("A23 PAX header of 64 MiB", new(
            () => Tar.Header(TarBuilder.Text("PaxHeaders/extended"), 'x', 64 << 20).ToArray(), "PaxHeaders/extended", "1048576"));
        yield return ("A21 gzip in zstd", new(() => TarBuilder.Zstd(TarBuilder.Gzip(Tar.File("f").ToArray())), "gzip inside"));
        yield return ("A21 gzip in gzip in gzip", new(
            () => TarBuilder.Gzip(TarBuilder.Gzip(TarBuilder.Gzip(Tar.File("f").ToArray()))), "gzip inside"));
        yield return ("A21 1,000 times gzip", new(() =>
        {
            var bytes = Tar.File("f").ToArray();
            for (var times = 0; times < 1000; times++)
                bytes = TarBuilder.Gzip(bytes);
            return bytes;
        }, "gzip inside"));
    }

    /// <summary>Archives that GNU tar and Python read differently, found in their sources and by comparing their results.</summary>
    private static IEnumerable<(string Name, HostileArchive Archive)> Disagreements()
    {
        // Both read a long name to its NUL, past the size in its header.
        yield return ("A31 more of a long name after its size", new(
            () => Tar.Header(TarBuilder.Text("././@LongLink"), 'L', 4).Content("safe.evil"u8).File("y").ToArray(),
            "LongLink", "after its end"));
        yield return ("A31 more records after the size", new(
            () => Tar.Header(TarBuilder.Text("PaxHeaders/extended"), 'x', 15).Content("15 path=safe.p\n15 path=evil.p\n"u8).File("y")
                .ToArray(),
            "PaxHeaders/extended", "after its end"));
        yield return ("A31 directory with a mode of words", new(() => Tar.File("before").Header(TarBuilder.Text("n"), '5', change: header =>
            TarBuilder.Text("words").CopyTo(header, 100)).ToArray(), "'n'", "number"));
        yield return ("A31 directory with an immense mode", new(() => Tar.File("before").Header(TarBuilder.Text("n"), '5', change: header =>
        {
            header[100] = 0x80;
            TarBuilder.Text("0000755").CopyTo(header, 101);
        }).ToArray(), "'n'", "mode"));
        foreach (var format in new[] { TarFormat.Old, TarFormat.Ustar })
        {
            // Python reads it as a directory, which has no content, and reads the content as the next headers.
            yield return ($"A31 slash in the header, none in the PAX path, {format}", new(
                () => Tar.Pax(("path", "f")).Header(TarBuilder.Text("f/"), '\0', 1536, format: format)
                    .Content(Tar.File("smuggled").ToArray(1)).ToArray(), "'f'"));
            yield return ($"A31 slash in the header, none in the long name, {format}", new(
                () => Tar.LongName("f").Header(TarBuilder.Text("f/"), '\0', format: format).ToArray(), "'f'"));
            yield return ($"A31 slash in the PAX path, none in the header, {format}", new(
                () => Tar.Pax(("path", "f/")).Header(TarBuilder.Text("f"), '\0', format: format).ToArray(), "'f/'"));
        }
    }
}
