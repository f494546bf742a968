using System.Text;

namespace Updraft.Testing;

/// <summary>The kind of a <see cref="DialectNode"/>.</summary>
internal enum DialectKind
{
    File,
    Directory,
    SymbolicLink,
    HardLink,
}

/// <summary>One file, directory or link of a random tree.</summary>
/// <param name="Path">Relative path without dots.</param>
/// <param name="Kind">The kind.</param>
/// <param name="Mode">Permission bits.</param>
/// <param name="Content">Content of a file, with its holes; empty for other kinds.</param>
/// <param name="Target">Target of a link; empty for other kinds.</param>
internal sealed record DialectNode(string Path, DialectKind Kind, int Mode, byte[] Content, string Target);

/// <summary>A random tree as users have it: DAGs, packages, data files with holes, bytecode, links, and odd names.</summary>
internal sealed class DialectTree
{
    private static readonly string[] Names =
    [
        "a.py", "b.sql", "README.md", "readme.md", "daten für März.csv", "日本語.py", "🚀.txt", "two words.txt", ".hidden", "-rf", "x=y",
        "a+b~", "e\u0301.py", "\u00e9.py", "Orders.SQL", "orders.sql", "#lock#", "it's.py", "NULL", "null", new('n', 99), new('n', 100),
        new('m', 101), new('l', 150), new('k', 255), "config.yaml", "run.sh", "__init__.py", "x;y.py", "50%.txt", "$HOME", "*.py", "a,b.csv",
    ];

    private static readonly string[] Directories =
        ["dags", "common", "sub", "Team", "team", "__pycache__", "ünï", new('d', 60), "empty", "deep"];

    private readonly Random _random;
    private readonly HashSet<string> _used = new(StringComparer.Ordinal);
    private readonly List<DialectNode> _nodes = [];
    private readonly int _longest;

    private DialectTree(Random random, int longest) => (_random, _longest) = (random, longest);

    /// <param name="random">The source of all choices.</param>
    /// <param name="longest">Most bytes of a path.</param>
    /// <param name="holes">Whether files with holes occur.</param>
    public static IReadOnlyList<DialectNode> Make(Random random, int longest, bool holes) => new DialectTree(random, longest).Make(holes);

    private List<DialectNode> Make(bool holes)
    {
        AddDirectory("");
        for (var left = _random.Next(1, 7); left > 0; left--)
            AddFile(holes);
        var files = _nodes.Where(node => node.Kind == DialectKind.File).Select(node => node.Path).ToList();
        if (files.Count > 0 && Chance(3) && Pick(files) is var target && !target.EndsWith(".pyc", StringComparison.Ordinal))
            Add(new(Free(Pick(Names)), DialectKind.HardLink, 0x1a4, [], target));
        if (Chance(3))
            AddLink(files);
        return _nodes;
    }

    private void AddDirectory(string parent)
    {
        var path = Below(parent, Pick(Directories));
        if (Encoding.UTF8.GetByteCount(path) > _longest - 40 || !_used.Add(path))
            return;
        _nodes.Add(new(path, DialectKind.Directory, Chance(4) ? 0x1c0 : 0x1ed, [], ""));
        while (Chance(2) && path.Count(c => c == '/') < 8)
            AddDirectory(path);
    }

    private void AddFile(bool holes)
    {
        var parent = Parent();
        var name = parent.EndsWith("__pycache__", StringComparison.Ordinal) && !Chance(4)
            ? $"m{_random.Next(9)}.cpython-312.pyc" : Pick(Names);
        Add(new(Free(Below(parent, name)), DialectKind.File, Pick([0x1a4, 0x1b4, 0x1ed, 0x180, 0x100, 0x49, 0]), Content(holes), ""));
    }

    /// <summary>Most links lead to a file, a directory or another link; one of ten leads to nothing or out.</summary>
    private void AddLink(List<string> files)
    {
        var path = Free(Below(Parent(), "link" + _random.Next(99)));
        var up = string.Concat(Enumerable.Repeat("../", path.Count(c => c == '/')));
        var directories = _nodes.Where(node => node.Kind == DialectKind.Directory).Select(node => node.Path).ToList();
        var target = _random.Next(10) switch
        {
            0 => Pick(["missing", "/etc/hostname", up + "../outside", "."]),
            1 or 2 when directories.Count > 0 => up + Pick(directories),
            _ when files.Count > 0 => up + Pick(files),
            _ => "missing",
        };
        Add(new(path, DialectKind.SymbolicLink, 0x1ff, [], target));
        if (Chance(3))
            Add(new(Free("again" + _random.Next(99)), DialectKind.SymbolicLink, 0x1ff, [], path));
    }

    private void Add(DialectNode node)
    {
        if (node.Path.Length > 0 && Encoding.UTF8.GetByteCount(node.Path) <= _longest && _used.Add(node.Path))
            _nodes.Add(node);
    }

    private string Parent()
    {
        var directories = _nodes.Where(node => node.Kind == DialectKind.Directory).Select(node => node.Path).ToList();
        return directories.Count == 0 || Chance(5) ? "" : Pick(directories);
    }

    private string Free(string path) => _used.Contains(path) ? "" : path;

    private byte[] Content(bool holes)
    {
        if (holes && Chance(2))
        {
            var sparse = new byte[_random.Next(1, 40) * 4096 + _random.Next(3)];
            for (var runs = _random.Next(12); runs > 0; runs--)
                _random.NextBytes(sparse.AsSpan(_random.Next(sparse.Length / 4096) * 4096, _random.Next(1, 2)));
            return sparse;
        }
        var content = new byte[_random.Next(6) switch
        {
            0 => 0,
            1 => Pick([511, 512, 513, 1024]),
            2 => _random.Next(9000),
            _ => _random.Next(60),
        }];
        _random.NextBytes(content);
        return content;
    }

    private static string Below(string parent, string name) => parent.Length == 0 ? name : $"{parent}/{name}";

    private bool Chance(int one) => _random.Next(one) == 0;

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];
}
