using System.Globalization;
using System.Text;

namespace Updraft.Testing;

/// <summary>An archive that must be rejected, and parts of the error message.</summary>
/// <param name="Archive">The upload.</param>
/// <param name="Names">Texts that the message must contain: the entry, and for some archives the reason.</param>
internal sealed record HostileArchive(Func<byte[]> Archive, params string[] Names);

/// <summary>
/// Hostile archives. A name starts with the row of the fault catalog. The server must reject each with 400, name the entry, and store
/// nothing.
/// </summary>
internal static partial class HostileArchives
{
    public static readonly IReadOnlyDictionary<string, HostileArchive> All = new[]
    {
        Paths(), Links(), HardLinks(), Kinds(), Collisions(), Encodings(), Limits(), Extended(), Headers(), Ends(), Frames(),
        Sparse(), Combinations(), Numbers(), Disagreements(),
    }.SelectMany(rows => rows).ToDictionary(row => row.Name, row => row.Archive, StringComparer.Ordinal);

    private static TarBuilder Tar => new();

    private static IEnumerable<(string Name, HostileArchive Archive)> Paths()
    {
        yield return ("A1 parent", new(() => Tar.File("../x").ToArray(), "'../x'", "'..'"));
        yield return ("A1 parent inside", new(() => Tar.File("a/../../x").ToArray(), "'a/../../x'"));
        yield return ("A1 harmless parent", new(() => Tar.File("a/../b").ToArray(), "'a/../b'"));
        yield return ("A1 parent at the end", new(() => Tar.Folder("a/..").ToArray(), "'a/..'"));
        yield return ("A1 parent by PAX", new(() => Tar.Pax(("path", "../x")).File("y").ToArray(), "'../x'"));
        yield return ("A1 parent by GNU long name", new(() => Tar.LongName("../x").File("y", format: TarFormat.Gnu).ToArray(), "'../x'"));
        yield return ("A1 parent by prefix", new(
            () => Tar.Header(TarBuilder.Text("x"), change: block => TarBuilder.Text("..").CopyTo(block, 345)).ToArray(), "'../x'"));
        yield return ("A2 absolute", new(() => Tar.File("/x").ToArray(), "'/x'", "absolute"));
        yield return ("A2 two slashes", new(() => Tar.File("//x").ToArray(), "'//x'"));
        yield return ("A2 drive", new(() => Tar.File("C:/x").ToArray(), "'C:/x'", "drive"));
        yield return ("A2 drive with backslash", new(() => Tar.File("C:\\x").ToArray(), "'C:\\x'", "backslash"));
        yield return ("A2 backslash parent", new(() => Tar.File("..\\..\\x").ToArray(), "'..\\..\\x'"));
        yield return ("A2 absolute with a dot", new(() => Tar.File("/./x").ToArray(), "'/./x'", "absolute"));
        yield return ("A1 parent after a dot", new(() => Tar.File("./../x").ToArray(), "'./../x'", "'..'"));
        yield return ("A1 parent between dots and slashes", new(() => Tar.File("a/.//.././../x").ToArray(), "'..'"));
        yield return ("A1 root with a parent", new(() => Tar.Folder("/..").ToArray(), "'/..'"));
        yield return ("A12 dot as a file", new(() => Tar.File(".").ToArray(), "'.'", "root"));
        yield return ("A12 slash as a file", new(() => Tar.File("/").ToArray(), "'/'", "root"));
        yield return ("A12 dot after a file", new(() => Tar.File("file/.").ToArray(), "'file/.'", "directory"));
        yield return ("A12 empty name", new(() => Tar.File("").ToArray(), "''", "empty"));
        yield return ("A12 ./ as a file", new(() => Tar.File("./").ToArray(), "'./'"));
        yield return ("A12 slash after a file", new(() => Tar.File("file/").ToArray(), "'file/'"));
        yield return ("A18 component of 256 bytes", new(
            () => Tar.Pax(("path", new string('a', 256))).File("y").ToArray(), "'aaaaaaaa", "255"));
        yield return ("A18 path of 1,025 bytes", new(() => Tar.Pax(("path", Long('b', 1025))).File("y").ToArray(), "'bbbbbbbb", "1024"));
        yield return ("A18 65 deep", new(() => Tar.Pax(("path", Deep(65))).File("y").ToArray(), "'d/d/d/", "64"));
        yield return ("A18 10,000 deep", new(() => Tar.Pax(("path", Deep(10_000))).File("y").ToArray(), "'d/d/d/"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Links()
    {
        yield return ("A3 absolute link", new(() => Tar.SymbolicLink("l", "/etc/passwd").ToArray(), "'l'", "'/etc/passwd'", "absolute"));
        yield return ("A3 link out", new(() => Tar.SymbolicLink("a/l", "../../etc/passwd").ToArray(), "'a/l'", "out of the archive"));
        yield return ("A3 link out and back in", new(() => Tar.File("a/f").SymbolicLink("a/l", "../../a/f").ToArray(), "'a/l'"));
        yield return ("A3 write through a link", new(() => Tar.Folder("d").SymbolicLink("l", "d").File("l/x").ToArray(), "'l/x'", "link"));
        yield return ("A3 link after what is below it", new(
            () => Tar.Folder("d").File("l/x").SymbolicLink("l", "d").ToArray(), "'l'", "twice"));
        yield return ("A3 link to nothing", new(() => Tar.SymbolicLink("l", "missing").ToArray(), "'l'", "'missing'"));
        yield return ("A3 link through a missing directory", new(() => Tar.File("f").SymbolicLink("l", "missing/../f").ToArray(), "'l'"));
        yield return ("A3 link through a file", new(
            () => Tar.File("f").File("g").SymbolicLink("l", "f/../g").ToArray(), "'l'", "through a file"));
        yield return ("A3 link to a file with a slash", new(() => Tar.File("f").SymbolicLink("l", "f/").ToArray(), "'l'"));
        yield return ("A4 link to the own directory", new(() => Tar.SymbolicLink("cur", ".").ToArray(), "'cur'"));
        yield return ("A4 link to itself", new(() => Tar.SymbolicLink("l", "l").ToArray(), "'l'", "back to itself"));
        yield return ("A4 two links in a circle", new(() => Tar.SymbolicLink("a", "b").SymbolicLink("b", "a").ToArray(), "'a'"));
        yield return ("A4 link to an ancestor", new(() => Tar.Folder("a/b").SymbolicLink("a/b/l", "../../a").ToArray(), "'a/b/l'"));
        yield return ("A4 link to the root", new(() => Tar.Folder("a").SymbolicLink("a/l", "..").ToArray(), "'a/l'"));
        yield return ("A4 copied tree with a link to a directory", new(
            () => Tar.Folder("x").Folder("t").SymbolicLink("t/in", "../x").SymbolicLink("l", "t").ToArray(),
            "'l'", "link to a directory in it"));
        yield return ("A5 chain of long links", new(() => PathMaxChain(), "link"));
        yield return ("A5 target of 5,000 bytes", new(
            () => Tar.Pax(("linkpath", Long('t', 5000))).SymbolicLink("l", "t").ToArray(), "'l'"));
        yield return ("A6 nested links and a hard link", new(
            () => Tar.Folder("a").SymbolicLink("a/b", "..").SymbolicLink("a/c", "b/..").HardLink("h", "a/c").ToArray(), "'a/b'"));
        yield return ("A8 link, then a file of its name", new(
            () => Tar.File("f").SymbolicLink("l", "f").File("l").ToArray(), "'l'", "twice"));
        yield return ("A8 link without a name", new(() => Tar.File("f").SymbolicLink("", "f").ToArray(), "''"));
        yield return ("A8 link without a target", new(() => Tar.SymbolicLink("l", "").ToArray(), "'l'"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> HardLinks()
    {
        yield return ("A7 absolute", new(() => Tar.HardLink("h", "/etc/passwd").ToArray(), "'h'", "'/etc/passwd'"));
        yield return ("A7 parent", new(() => Tar.HardLink("h", "../f").ToArray(), "'h'"));
        yield return ("A7 to a directory", new(() => Tar.Folder("d").HardLink("h", "d").ToArray(), "'h'"));
        yield return ("A7 before its target", new(() => Tar.HardLink("h", "f").File("f").ToArray(), "'h'", "earlier"));
        yield return ("A7 to itself", new(() => Tar.HardLink("h", "h").ToArray(), "'h'"));
        yield return ("A7 with content", new(
            () => Tar.File("f", "abc").Header(TarBuilder.Text("h"), '1', 3, "f").Content("abc"u8).ToArray(), "'h'", "size"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Kinds()
    {
        foreach (var (type, what) in new[]
        {
            ('3', "device"), ('4', "device"), ('6', "FIFO"), ('M', "volume"), ('N', "'N'"), ('S', "star"), ('A', "Solaris"), ('I', "star"),
            ('s', "'s'"), ('\u007f', "type"),
        })
            yield return ($"A9 type {(int)type:x}", new(
                () => Tar.File("before").Header(TarBuilder.Text("node"), type).ToArray(), "'node'", what));
        yield return ("A9 directory with a size", new(
            () => Tar.Header(TarBuilder.Text("d"), '5', 512).Content(new byte[512]).ToArray(), "'d'", "size"));
        yield return ("A24 sparse by PAX", new(
            () => Tar
                .Pax(("GNU.sparse.major", "1"), ("GNU.sparse.minor", "0"), ("GNU.sparse.name", "../x"),
                    ("GNU.sparse.realsize", "1099511627776"))
                .File("GNUSparseFile.0/x").ToArray(), "'../x'"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Collisions()
    {
        yield return ("A13 twice", new(() => Tar.File("a.py", "1").File("a.py", "2").ToArray(), "'a.py'", "twice"));
        yield return ("A13 twice by ./", new(() => Tar.File("a.py", "1").File("./a.py", "2").ToArray(), "'a.py'", "twice"));
        yield return ("A14 file, then directory", new(() => Tar.File("a").Folder("a/").ToArray(), "'a'", "twice"));
        yield return ("A14 directory, then file", new(() => Tar.Folder("a/").File("a").ToArray(), "'a'", "twice"));
        yield return ("A14 below a file", new(() => Tar.File("a").File("a/b").ToArray(), "'a/b'", "file"));
        yield return ("A14 file where a directory was meant", new(() => Tar.File("a/b").File("a").ToArray(), "'a'", "twice"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Encodings()
    {
        yield return ("A15 Latin-1", new(() => Tar.File([(byte)'n', 0xe9], []).ToArray(), "'n?'", "UTF-8"));
        yield return ("A15 overlong slash", new(() => Tar.File([(byte)'a', 0xc0, 0xaf, (byte)'b'], []).ToArray(), "'a??b'", "UTF-8"));
        yield return ("A15 surrogate", new(() => Tar.File([(byte)'a', 0xed, 0xa0, 0x80], []).ToArray(), "'a???'", "UTF-8"));
        yield return ("A15 in PAX", new(
            () => Tar.Extended('x', [.. "11 path="u8, 0xff, 0xfe, (byte)'\n']).File("y").ToArray(), "'??'", "UTF-8"));
        yield return ("A16 NUL in a name", new(
            () => Tar.Header(TarBuilder.Text("a\0b")).ToArray(), "'a'", "NUL"));
        yield return ("A16 NUL in a link", new(
            () => Tar.File("f").Header(TarBuilder.Text("l"), '2', link: "f\0g").ToArray(), "'l'", "NUL"));
        yield return ("A16 NUL in a PAX path", new(() => Tar.Pax(("path", "a\0b")).File("y").ToArray(), "'a'", "NUL"));
        yield return ("A16 NUL in a PAX link", new(
            () => Tar.File("f").Pax(("linkpath", "f\0b")).SymbolicLink("l", "f").ToArray(), "'f'", "NUL"));
        yield return ("A16 NUL in a long name", new(() => Tar.LongName("a\0b").File("y", format: TarFormat.Gnu).ToArray(), "'a'", "NUL"));
        foreach (var (what, name) in new[]
        {
            ("newline", "a\nb"), ("escape", "a\u001b[31mb"), ("delete", "a\u007fb"), ("C1", "a\u0085b"),
            ("override", "a\u202eb"), ("isolate", "a\u2066b"),
        })
            yield return ($"A17 {what}", new(() => Tar.File(name).ToArray(), "'a?", "control character"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Limits()
    {
        yield return ("A20 file over the limit", new(
            () => Tar.Header(TarBuilder.Text("big"), size: 2L << 30).ToArray(), "'big'", "1073741824"));
        yield return ("A21 gzip in gzip", new(() => TarBuilder.Gzip(TarBuilder.Gzip(Tar.File("f").ToArray())), "gzip inside"));
        yield return ("A21 zstd in gzip", new(() => TarBuilder.Gzip(TarBuilder.Zstd(Tar.File("f").ToArray())), "zstd inside"));
        yield return ("A22 entries over the limit", new(() => TarBuilder.Gzip(ManyFiles(100_001)), "'f100000'", "100000"));
        yield return ("A22 directories that no entry names", new(() => ManyDeepFiles(), "100000"));
        yield return ("A23 PAX header over the limit", new(
            () => Tar.Pax(("comment", new string('x', 1024 * 1024))).File("y").ToArray(), "PaxHeaders/extended", "1048576"));
        yield return ("A23 long name over the limit", new(
            () => Tar.LongName(new string('x', 2 * 1024 * 1024)).File("y").ToArray(), "LongLink", "1048576"));
        yield return ("A23 extended headers over the limit", new(() => ManyComments(), "16777216"));
        var records = Enumerable.Range(0, 200_000).Select(i => (i.ToString(CultureInfo.InvariantCulture), ""));
        yield return ("A23 200,000 records", new(() => Tar.Extended('x', TarBuilder.Records([.. records])).File("y").ToArray(), "1048576"));
        yield return ("A31 link copies over the limit", new(() => ManyCopies(), "'l", "copy"));
        yield return ("A31 copy that is too deep", new(
            () => Tar.Pax(("path", Deep(61))).File("y").Folder("a/b/c/e").SymbolicLink("a/b/c/e/l", "../../../../d").ToArray(),
            "'a/b/c/e/l"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Extended()
    {
        yield return ("A25 size larger", new(() => Tar.Pax(("size", "1000")).File("y", "abc").ToArray(), "'y'", "sizes"));
        yield return ("A25 size smaller", new(() => Tar.Pax(("size", "1")).File("y", "abc").ToArray(), "'y'", "sizes"));
        yield return ("A25 size below zero", new(() => Tar.Pax(("size", "-1")).File("y").ToArray(), "PaxHeaders/extended", "size"));
        yield return ("A25 size of words", new(() => Tar.Pax(("size", "many")).File("y").ToArray(), "PaxHeaders/extended", "size"));
        yield return ("A25 size of 30 digits", new(
            () => Tar.Pax(("size", new string('9', 30))).File("y").ToArray(), "PaxHeaders/extended", "size"));
        yield return ("A25 PAX before long name", new(() => Tar.Pax(("path", "a")).LongName("b").File("y").ToArray(), "LongLink"));
        yield return ("A25 long name before PAX", new(
            () => Tar.LongName("b").Pax(("path", "a")).File("y").ToArray(), "PaxHeaders/extended"));
        yield return ("A25 two PAX headers", new(
            () => Tar.Pax(("path", "a")).Pax(("path", "b")).File("y").ToArray(), "PaxHeaders/extended"));
        yield return ("A25 two long names", new(() => Tar.LongName("a").LongName("b").File("y").ToArray(), "LongLink"));
        yield return ("A25 global after PAX", new(
            () => Tar.Pax(("path", "a")).Extended('g', TarBuilder.Records(("comment", "c"))).File("y").ToArray(), "PaxHeaders/extended"));
        yield return ("A25 PAX header at the end", new(() => Tar.File("y").Pax(("path", "a")).ToArray(), "no entry follows"));
        foreach (var key in new[] { "path", "size", "linkpath", "GNU.sparse.name", "GNU.volume.offset" })
            yield return ($"A25 global {key}", new(
                () => Tar.Extended('g', TarBuilder.Records((key, "1"))).File("y").ToArray(), $"'{key}'", "whole archive"));
        yield return ("A25 character set", new(
            () => Tar.Pax(("hdrcharset", "KOI8-R")).File("y").ToArray(), "PaxHeaders/extended", "character set"));
        yield return ("A25 record twice", new(
            () => Tar.Pax(("path", "a"), ("path", "b")).File("y").ToArray(), "PaxHeaders/extended", "'path' twice"));
        foreach (var record in new[]
        {
            "9999 path=a\n", "0 path=a\n", "-9 path=a\n", "09 path=a\n", "9 path=aa\n", "9 path=a\0", "x path=a\n", "8 path=a\n", "4 =\n",
            "9path=aa\n", "10 path=a\n\n\n", "\n",
        })
            yield return ($"A25 record {Escape(record)}", new(
                () => Tar.Extended('x', TarBuilder.Text(record)).File("y").ToArray(), "PaxHeaders/extended", "record"));
        yield return ("A25 empty path", new(() => Tar.Pax(("path", "")).File("y").ToArray(), "''", "empty"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Headers()
    {
        yield return ("A26 negative size", new(
            () => WithSize([0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]), "'n'", "negative"));
        yield return ("A26 size of 2^62", new(() => WithSize([0x80, 0, 0, 0, 0x40, 0, 0, 0, 0, 0, 0, 0]), "'n'", "larger"));
        yield return ("A26 size of 2^63", new(() => WithSize([0x80, 0, 0, 0, 0x80, 0, 0, 0, 0, 0, 0, 0]), "'n'", "too large"));
        yield return ("A26 size of 2^80", new(() => WithSize([0x80, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]), "'n'", "too large"));
        foreach (var size in new[]
        {
            "00000000008\0", "0000000000x\0", "            ", "-0000000001\0", "0000 000001\0",
        })
            yield return ($"A26 size {Escape(size)}", new(() => WithSize(TarBuilder.Text(size)), "'n'", "octal"));
        yield return ("A26 bad mode", new(
            () => Tar.Header(TarBuilder.Text("n"), change: block => block[103] = (byte)'z').ToArray(), "'n'", "mode"));
        yield return ("A26 name with a flipped bit", new(
            () => Tar.File("a").Header(TarBuilder.Text("n"), damage: block => block[0] ^= 1).ToArray(), "'o'", "checksum"));
        yield return ("A26 first header with a flipped bit", new(
            () => Tar.Header(TarBuilder.Text("n"), damage: block => block[0] ^= 1).ToArray(), "'o'", "checksum"));
        yield return ("A26 checksum of zero", new(
            () => Tar.File("a").Header(TarBuilder.Text("n"), damage: block => "000000\0 "u8.CopyTo(block.AsSpan(148))).ToArray(),
            "'n'", "checksum"));
        yield return ("A26 checksum of NULs", new(
            () => Tar.File("a").Header(TarBuilder.Text("n"), damage: block => block.AsSpan(148, 8).Clear()).ToArray(), "'n'", "checksum"));
        yield return ("A26 unknown magic", new(
            () => Tar.Header(TarBuilder.Text("n"), change: block => block[257] = (byte)'U').ToArray(), "'n'", "format"));
        yield return ("A26 GNU header with a prefix", new(
            () => Tar.Header(TarBuilder.Text("n"), format: TarFormat.Gnu, change: block => block[345] = (byte)'p').ToArray(),
            "'n'", "format"));
        yield return ("A26 old header with a prefix", new(
            () => Tar.Header(TarBuilder.Text("n"), format: TarFormat.Old, change: block => block[345] = (byte)'p').ToArray(),
            "'n'", "format"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Ends()
    {
        yield return ("A27 cut off in a content", new(() => Tar.File("a", new string('x', 2000)).ToArray()[..1500], "'a'", "cut off"));
        yield return ("A27 cut off in a header", new(() => Tar.File("a").File("b").ToArray()[..1300], "'a'", "cut off"));
        yield return ("A27 cut off in the padding", new(() => Tar.File("a").ToArray()[..700], "'a'", "cut off"));
        yield return ("A27 no block of zeros", new(() => Tar.File("a").ToArray(0), "'a'", "cut off"));
        yield return ("A27 one block of zeros", new(() => Tar.File("a").ToArray(1), "cut off"));
        yield return ("A27 one block of zeros alone", new(() => Tar.ToArray(1), "cut off"));
        yield return ("A27 one block of zeros, then a file", new(
            () => Tar.File("a").Raw(new byte[512]).File("b").ToArray(), "'a'", "after its end"));
        yield return ("A27 cut off in a PAX header", new(
            () => Tar.Pax(("path", Long('p', 900))).ToArray(0)[..800], "PaxHeaders/extended", "cut off"));
        yield return ("A29 second archive", new(() => [.. Tar.File("a").ToArray(), .. Tar.File("b").ToArray()], "'a'", "after its end"));
        yield return ("A29 one byte after the end", new(() => [.. Tar.File("a").ToArray(20), 1], "'a'", "after its end"));
    }

    private static IEnumerable<(string Name, HostileArchive Archive)> Frames()
    {
        yield return ("A28 gzip cut off", new(() => Gzip()[..^20], "gzip"));
        yield return ("A28 gzip cut off, with the right trailer", new(() => [.. Gzip()[..^12], .. Gzip()[^8..]], "gzip"));
        yield return ("A28 gzip without trailer", new(() => Gzip()[..^8], "gzip"));
        yield return ("A28 gzip with half a trailer", new(() => Gzip()[..^4], "gzip"));
        yield return ("A28 gzip header only", new(() => Gzip()[..10], "gzip"));
        yield return ("A28 gzip magic only", new(() => Gzip()[..2], "gzip"));
        yield return ("A28 wrong checksum", new(() => Flip(Gzip(), ^8), "gzip checksum"));
        yield return ("A28 wrong length", new(() => Flip(Gzip(), ^4), "gzip checksum or length"));
        yield return ("A28 rubbish after the gzip data", new(() => [.. Gzip(), 1], "gzip"));
        yield return ("A28 rubbish with the trailer repeated", new(
            () => [.. Gzip(), .. new byte[100], .. Gzip()[^8..]], "after the end of the gzip data"));
        yield return ("A28 one byte, then the trailer repeated", new(
            () => [.. Gzip()[..^8], 0, .. Gzip()[^8..]], "gzip checksum"));
        yield return ("A28 two members", new(() => [.. Gzip(), .. Gzip()], "after its end"));
        yield return ("A28 1,000 members", new(
            () => [.. Enumerable.Repeat(Gzip(), 1000).SelectMany(member => member)], "after its end"));
        yield return ("A28 zeros, then a byte after the gzip data", new(
            () => [.. Gzip(), .. new byte[512], 1], "after the end of the gzip data"));
        yield return ("A28 zeros, then a member", new(() => [.. Gzip(), .. new byte[3], .. Gzip()], "after the end of the gzip data"));
        yield return ("A28 gzip after zstd", new(() => [.. Zstd(), .. Gzip()], "after the end of the zstd data"));
        yield return ("A28 second member cut off", new(
            () => [.. TarBuilder.Gzip(Tar.File("a").ToArray()[..600]), .. TarBuilder.Gzip(Tar.File("a").ToArray()[600..])[..^4]], "cut off"));
        yield return ("A28 100,000 empty members", new(
            () => [.. Enumerable.Repeat(EmptyMember, 100_000).SelectMany(member => member)], "one call of gzip"));
        yield return ("A28 skippable frame cut off", new(() => [0x50, 0x2a, 0x4d, 0x18, 100, 0, 0, 0, 1], "cut off"));
        yield return ("A28 100,000 skippable frames", new(
            () => [.. Enumerable.Repeat(SkippableFrame, 100_000).SelectMany(frame => frame)], "one call of zstd"));
        yield return ("A28 extra field of 64 KiB", new(() => WithGzipField(4, [0xff, 0xff, .. new byte[0xffff]]), "4096"));
        yield return ("A28 name of 64 KiB", new(() => WithGzipField(8, [.. Enumerable.Repeat((byte)'n', 65536), 0]), "4096"));
        yield return ("A28 comment of 64 KiB", new(() => WithGzipField(16, [.. Enumerable.Repeat((byte)'c', 65536), 0]), "4096"));
        yield return ("A28 name without end", new(() => WithGzipField(8, [.. Enumerable.Repeat((byte)'n', 100)])[..60], "gzip header"));
        yield return ("A28 wrong header checksum", new(() => WithGzipField(2, [1, 2]), "gzip header"));
        yield return ("A28 unknown flag", new(() => WithGzipField(0x80, []), "gzip header"));
        yield return ("A28 unknown method", new(() => Flip(Gzip(), 2), "gzip header"));
        yield return ("A28 damaged deflate data", new(() => Flip(Gzip(), 10), "damaged"));
        yield return ("A28 zstd cut off", new(() => Zstd()[..^6], "cut off"));
        yield return ("A28 zstd magic only", new(() => Zstd()[..4], "cut off"));
        yield return ("A28 rubbish after zstd", new(() => [.. Zstd(), 1], "after the end of the zstd data"));
        yield return ("A28 two zstd frames", new(() => [.. Zstd(), .. Zstd()], "after its end"));
        yield return ("A28 zstd window of 2 GiB", new(() => [0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa8, 1, 0, 0], "zstd"));
        yield return ("A28 damaged zstd data", new(() => Flip(Zstd(), 12), "zstd"));
        yield return ("U22 nothing", new(() => [], "empty"));
        yield return ("U22 one byte", new(() => [7], "not a tar archive"));
        yield return ("U22 zip", new(() => [.. "PK\u0003\u0004"u8, .. new byte[2000]], "zip"));
        yield return ("U22 bzip2", new(() => [.. "BZh91AY&SY"u8, .. new byte[2000]], "bzip2"));
        yield return ("U22 xz", new(() => [0xfd, .. "7zXZ\0"u8, .. new byte[2000]], "xz"));
        yield return ("U22 HTML", new(() => [.. "<!doctype html><html></html>"u8], "HTML"));
        yield return ("U22 JSON", new(() => [.. "{}"u8], "JSON"));
        yield return ("U22 random", new(
            () => { var bytes = new byte[5000]; new Random(1).NextBytes(bytes); return bytes; }, "not a tar archive"));
    }

    private static byte[] EmptyMember => [0x1f, 0x8b, 8, .. new byte[6], 3, 3, .. new byte[9]];

    private static byte[] SkippableFrame => [0x5f, 0x2a, 0x4d, 0x18, 0, 0, 0, 0];

    private static byte[] Gzip() => TarBuilder.Gzip(Tar.File("a", string.Concat(Enumerable.Range(0, 200))).ToArray());

    private static byte[] Zstd() => TarBuilder.Zstd(Tar.File("a", string.Concat(Enumerable.Range(0, 200))).ToArray());

    private static byte[] Flip(byte[] bytes, Index at)
    {
        bytes[at] ^= 0x10;
        return bytes;
    }

    private static byte[] WithGzipField(byte flag, byte[] field)
    {
        var gzip = Gzip();
        gzip[3] |= flag;
        return [.. gzip[..10], .. field, .. gzip[10..]];
    }

    private static byte[] WithSize(byte[] field) => Tar.Header(TarBuilder.Text("n"), change: block => field.CopyTo(block, 124)).ToArray();

    private static string Long(char c, int bytes) =>
        string.Join('/', Enumerable.Repeat(new string(c, 199), bytes / 200 + 1))[..bytes].TrimEnd('/').PadRight(bytes, c);

    private static string Deep(int depth) => string.Join('/', Enumerable.Repeat("d", depth));

    private static byte[] ManyFiles(int count)
    {
        var tar = Tar;
        for (var i = 0; i < count; i++)
            tar.Header(TarBuilder.Text($"f{i}"));
        return tar.ToArray();
    }

    private static byte[] ManyDeepFiles()
    {
        var tar = Tar;
        for (var i = 0; i < 2000; i++)
            tar.Header(TarBuilder.Text($"n{i}/" + Deep(45)));
        tar.Header(TarBuilder.Text("n/" + Deep(45)));
        for (var i = 2000; i < 3000; i++)
            tar.Header(TarBuilder.Text($"n{i}/" + Deep(45)));
        return tar.ToArray();
    }

    private static byte[] ManyComments()
    {
        var tar = Tar;
        for (var i = 0; i < 17; i++)
            tar.Pax(("comment", new string('x', 1024 * 1024 - 100))).File($"f{i}");
        return tar.ToArray();
    }

    private static byte[] ManyCopies()
    {
        var tar = Tar;
        for (var i = 0; i < 1000; i++)
            tar.Header(TarBuilder.Text($"t/{i}"));
        for (var i = 0; i < 100; i++)
            tar.SymbolicLink($"l{i}", "t");
        return tar.ToArray();
    }

    /// <summary>Directories with names of 247 characters. A short link next to each one stands for it in the next path.</summary>
    private static byte[] PathMaxChain()
    {
        var tar = Tar;
        var at = "";
        for (var step = 'a'; step <= 'p'; step++)
        {
            var directory = new string('d', 247);
            tar.Pax(("path", $"{at}{directory}/")).Folder("directory");
            tar.Pax(("linkpath", directory)).SymbolicLink($"{at}{step}", "directory");
            at += step + "/";
        }
        return tar.ToArray();
    }

    private static string Escape(string text) => text.Aggregate(new StringBuilder(), (shown, c) =>
        c is < ' ' ? shown.Append(CultureInfo.InvariantCulture, $"<{(int)c}>") : shown.Append(c)).ToString();
}
