namespace Updraft.Testing;

/// <summary>How an archive stores names that do not fit into the field of 100 bytes.</summary>
internal enum LongNames
{
    /// <summary>Not at all, so the tree has none.</summary>
    None,

    /// <summary>In the prefix of ustar, and otherwise in a PAX header.</summary>
    PrefixOrPax,

    /// <summary>Always in a PAX header.</summary>
    Pax,

    /// <summary>In an entry of the type <c>L</c> or <c>K</c>.</summary>
    Gnu,
}

/// <summary>How an archive stores files with holes.</summary>
internal enum Holes
{
    None,
    OldGnu,
    Pax00,
    Pax01,
    Pax10,
}

/// <summary>The habits of one tar program, with the options of one call.</summary>
internal sealed record Dialect
{
    private static readonly string[] Tools =
    [
        "gnu", "gnu", "gnu", "bsdtar", "bsdtar", "busybox", "npm", "npm", "python", "python", "go", "go", "7z", "pax", "star", "cpio", "v7",
    ];

    public required string Tool { get; init; }

    public string Magic { get; init; } = "ustar\000";

    public LongNames Long { get; init; } = LongNames.PrefixOrPax;

    public Holes Holes { get; init; }

    /// <summary>Name of an entry for the root; null for none.</summary>
    public string? Root { get; init; }

    /// <summary>Text before each name.</summary>
    public string Before { get; init; } = "";

    public bool HasSlashAfterDirectory { get; init; } = true;

    public bool HasDirectories { get; init; } = true;

    public bool HasLinkSize { get; init; }

    /// <summary>The end of octal fields: <c>\0</c>, space, or space and <c>\0</c>.</summary>
    public string NumberEnd { get; init; } = "\0";

    public char NumberPadding { get; init; } = '0';

    public bool HasBlankDevice { get; init; }

    /// <summary>Access and change times: in the prefix as npm and star, in PAX records, or as in GNU dumps.</summary>
    public string Times { get; init; } = "";

    public string End { get; init; } = "";

    public bool HasLabel { get; init; }

    public bool IsDump { get; init; }

    public bool HasGlobalHeader { get; init; }

    /// <summary>The archive's length is a multiple of this, after two blocks of zeros.</summary>
    public int Record { get; init; } = 10_240;

    public string Compression { get; init; } = "";

    /// <summary>Most bytes of a name.</summary>
    public int Longest => Long switch { LongNames.None => 99, _ => 900 };

    public static Dialect Make(Random random)
    {
        bool Chance(int one) => random.Next(one) == 0;
        T Pick<T>(params T[] from) => from[random.Next(from.Length)];

        var tool = Tools[random.Next(Tools.Length)];
        var dialect = tool switch
        {
            "gnu" => Gnu(Pick("v7", "ustar", "oldgnu", "gnu", "pax")),
            "bsdtar" => Pick(
                new Dialect
                {
                    Tool = tool,
                    Times = "pax",
                    NumberEnd = " ",
                    Holes = Chance(2) ? Holes.Pax10 : Holes.None,
                    HasBlankDevice = false,
                },
                new Dialect { Tool = tool, Magic = "ustar  \0", Long = LongNames.Gnu, NumberEnd = " ", HasBlankDevice = true }),
            "busybox" => new() { Tool = tool, Magic = "ustar  \0", Long = LongNames.Gnu, HasBlankDevice = true },
            "npm" => new()
            {
                Tool = tool,
                Times = Chance(4) ? "" : "prefix",
                NumberEnd = " ",
                Long = LongNames.Pax,
                Record = Pick(512, 512, 10_240),
            },
            "python" => Chance(2)
                ? new() { Tool = tool, Long = LongNames.Pax, Magic = "ustar\000" }
                : new() { Tool = tool, Long = LongNames.Gnu, Magic = "ustar  \0", HasBlankDevice = Chance(2) },
            "go" => new() { Tool = tool, Record = 512, Long = LongNames.PrefixOrPax, HasSlashAfterDirectory = Chance(2) },
            "7z" => new() { Tool = tool, Record = 512, Long = LongNames.Gnu, NumberEnd = " \0", Magic = "ustar\000" },
            "pax" => new() { Tool = tool, NumberEnd = Pick(" ", "\0", " \0"), NumberPadding = Pick('0', ' '), HasLinkSize = false },
            "star" => new()
            {
                Tool = tool,
                Times = "prefix",
                NumberEnd = " ",
                End = "tar\0",
                Long = LongNames.Pax,
                Magic = Pick("ustar\000", "ustar\000"),
            },
            "cpio" => new()
            {
                Tool = tool,
                Record = 512,
                Long = LongNames.None,
                NumberEnd = Pick("\0", " \0"),
                NumberPadding = Pick('0', ' '),
                Magic = Pick("ustar\000", "ustar  \0"),
                HasSlashAfterDirectory = Chance(2),
            },
            _ => new()
            {
                Tool = tool,
                Magic = Pick("\0\0\0\0\0\0\0\0", "ustar\0\0\0", "ustar\00 "),
                Long = LongNames.None,
                NumberEnd = Pick(" \0", "\0", " "),
                NumberPadding = ' ',
                HasBlankDevice = true,
            },
        };
        var (root, before) = Pick<(string? Root, string Before)>((null, ""), (null, ""), ("./", "./"), (".", ""), ("./", "./"), ("", ""),
            ("/", ""), (null, ".//"), (null, "././"));
        return dialect with
        {
            Root = root,
            Before = before,
            HasDirectories = dialect.HasDirectories && !Chance(6),
            HasGlobalHeader = dialect.Long is LongNames.Pax or LongNames.PrefixOrPax && Chance(5),
            Compression = Pick("", "", "", "", "gzip", "gzip members", "bgzip", "gzip padded", "zstd", "zstd frames", "zstd skippable"),
        };

        Dialect Gnu(string format) => format switch
        {
            "v7" => new() { Tool = "gnu v7", Magic = "\0\0\0\0\0\0\0\0", Long = LongNames.None, HasBlankDevice = true },
            "ustar" => new() { Tool = "gnu ustar", Long = LongNames.None, HasLabel = false },
            "pax" => new()
            {
                Tool = "gnu pax",
                Long = LongNames.Pax,
                Times = Pick("", "pax"),
                Holes = Pick(Holes.None, Holes.Pax00, Holes.Pax01, Holes.Pax10),
                IsDump = Chance(5),
            },
            _ => new()
            {
                Tool = $"gnu {format}",
                Magic = "ustar  \0",
                Long = LongNames.Gnu,
                HasBlankDevice = true,
                Holes = Pick(Holes.None, Holes.OldGnu),
                HasLabel = Chance(4),
                IsDump = Chance(4),
                Times = Chance(4) ? "gnu" : "",
            },
        };
    }
}
