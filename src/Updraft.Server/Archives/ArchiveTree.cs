using Updraft.Protocol;

namespace Updraft.Server.Archives;

/// <summary>
/// The tree of an archive's entries. Rejects names that occur twice, entries below a file or a link, and entries that exceed a limit.
/// Leaves out the bytecode of Python. Links are resolved after the end of the archive: <see cref="ArchiveLinks"/>.
/// </summary>
internal sealed class ArchiveTree(ArchiveOptions limits)
{
    private readonly List<ArchiveNode> _nodes = [];

    private readonly Dictionary<string, ArchiveNode> _byName = new(StringComparer.Ordinal);
    // The reason of a rejected link must be true: a path can look like bytecode without being in the archive.
    private readonly HashSet<string> _leftOut = new(StringComparer.Ordinal);
    private ArchiveNode? _lastDirectory;
    private int _entries;
    private long _bytes;

    /// <summary>The files of Python's bytecode that the tree leaves out.</summary>
    public PathSample LeftOut { get; } = new();

    /// <summary>Adds an entry.</summary>
    /// <returns>
    /// The node of a file, whose content follows in the archive. Null for other kinds, and for files that the tree leaves out: then the
    /// caller skips the content.
    /// </returns>
    /// <exception cref="Api.ApiException">400: the entry breaks a rule.</exception>
    public ArchiveNode? Add(in TarEntry entry)
    {
        if (++_entries > limits.MaxEntries)
            throw TooMany(entry.Name);
        var path = ArchivePath.Normalize(entry.Name, entry.Kind, limits);
        if (!limits.KeepBytecode && Bytecode.Includes(path, entry.Kind == TarEntryKind.Directory))
        {
            LeaveOut(path, entry.Kind == TarEntryKind.Directory);
            return null;
        }
        switch (entry.Kind)
        {
            case TarEntryKind.Directory:
                AddDirectory(path);
                return null;
            case TarEntryKind.File:
                return AddNode(path, new ArchiveNode(path, ArchiveNodeKind.File) { Size = entry.Size, IsExecutable = entry.IsExecutable });
            case TarEntryKind.HardLink:
                var target = FindHardLinkTarget(path, entry.Link);
                AddNode(path, target.Kind == ArchiveNodeKind.SymbolicLink
                    ? new ArchiveNode(path, ArchiveNodeKind.SymbolicLink) { Link = target.Link }
                    : new ArchiveNode(path, ArchiveNodeKind.File) { Size = target.Size, Target = target });
                return null;
            default:
                AddNode(path, new ArchiveNode(path, ArchiveNodeKind.SymbolicLink) { Link = entry.Link });
                return null;
        }
    }

    /// <summary>The manifest of the whole tree. Call it after the digests of all files are set.</summary>
    /// <exception cref="Api.ApiException">400: a symbolic link breaks the rule for links.</exception>
    public Manifest ToManifest()
    {
        var entries = new List<ManifestEntry>(_nodes.Count);
        foreach (var node in _nodes)
        {
            if (node.Kind != ArchiveNodeKind.SymbolicLink)
                entries.Add(node.ToEntry(node.Path));
        }
        if (entries.Count < _nodes.Count)
            new ArchiveLinks(_nodes, Find, _leftOut.Contains, limits).AddCopies(entries, _bytes);
        return Manifest.Create(entries);
    }

    private void LeaveOut(string path, bool isDirectory)
    {
        if (!isDirectory)
            LeftOut.Add(path);
        // The directory with the sources exists, even if the archive does not name it.
        var cache = isDirectory ? path : BundlePath.Parent(path)!;
        _leftOut.Add(path);
        _leftOut.Add(cache);
        while (BundlePath.Parent(cache) is { } above && Bytecode.Includes(above, isDirectory: true))
        {
            cache = above;
            _leftOut.Add(cache);
        }
        EnsureParent(cache);
    }

    private void AddDirectory(string path)
    {
        // Archives may name their root, and a directory more than once.
        if (path.Length > 0 && Find(path) is not { Kind: ArchiveNodeKind.Directory })
            AddNode(path, new ArchiveNode(path, ArchiveNodeKind.Directory));
    }

    private ArchiveNode AddNode(string path, ArchiveNode node)
    {
        EnsureParent(path);
        if (_nodes.Count >= limits.MaxEntries)
            throw TooMany(path);
        if (!_byName.TryAdd(path, node))
            throw BadArchive.Entry(path, "occurs twice", "Pack the archive again, each name once.");
        _nodes.Add(node);
        _bytes += node.Size;
        if (_bytes > limits.MaxUnpackedBytes)
            throw BadArchive.Entry(path, $"raises the size of all files above the limit of {limits.MaxUnpackedBytes} bytes",
                $"Remove files that Airflow does not need, or raise {ArchiveLimits.MaxUnpackedBytes}.", ArchiveLimits.MaxUnpackedBytes);
        return node;
    }

    /// <summary>Adds the parent directory of a path if the archive has not named it; archives need not name directories.</summary>
    private void EnsureParent(string path)
    {
        var slash = path.LastIndexOf('/');
        if (slash < 0 || (_lastDirectory is not null && path.AsSpan(0, slash).SequenceEqual(_lastDirectory.Path)))
            return;
        var parent = path[..slash];
        if (!_byName.TryGetValue(parent, out var node))
            node = AddNode(parent, new ArchiveNode(parent, ArchiveNodeKind.Directory));
        if (node.Kind != ArchiveNodeKind.Directory)
            throw BadArchive.Entry(path,
                $"is below '{BadArchive.Shorten(parent)}', which is a {(node.Kind == ArchiveNodeKind.File ? "file" : "link")}");
        _lastDirectory = node;
    }

    private ArchiveNode? Find(string path) => _byName.GetValueOrDefault(path);

    private ArchiveNode FindHardLinkTarget(string path, string link)
    {
        var simple = ArchivePath.Simplify(link);
        var target = link.StartsWith('/') || link.EndsWith('/') ? null : Find(simple);
        if (target is null && _leftOut.Contains(simple))
            throw BadArchive.Entry(path, $"is a hard link to '{BadArchive.Shorten(link)}', {Bytecode.IsLeftOut}", Bytecode.Advice);
        if (target is null or { Kind: ArchiveNodeKind.Directory })
            throw BadArchive.Entry(path, $"is a hard link to '{BadArchive.Shorten(link)}', "
                + "which is not a file or link earlier in the archive",
                "Use tar with --hard-dereference, which packs a file instead of the link.");
        return target.Target ?? target;
    }

    private Api.ApiException TooMany(string name) => BadArchive.Entry(name,
        $"exceeds the limit of {limits.MaxEntries} files and directories",
        $"Remove files that Airflow does not need, or raise {ArchiveLimits.MaxEntries}.", ArchiveLimits.MaxEntries);
}

/// <summary>The kind of a node of an <see cref="ArchiveTree"/>.</summary>
internal enum ArchiveNodeKind : byte
{
    Directory,
    File,
    SymbolicLink,
}

/// <summary>One path of an <see cref="ArchiveTree"/>.</summary>
internal sealed class ArchiveNode(string path, ArchiveNodeKind kind)
{
    public string Path => path;

    public ArchiveNodeKind Kind => kind;

    /// <summary>Length of a file's content, in bytes; 0 for other kinds.</summary>
    public long Size { get; init; }

    public bool IsExecutable { get; init; }

    /// <summary>The target of a symbolic link, unchanged from the archive; empty for other kinds.</summary>
    public string Link { get; init; } = "";

    /// <summary>The file or directory that replaces a link; null for files, directories and unresolved links.</summary>
    public ArchiveNode? Target { get; set; }

    /// <summary>Number of links from a resolved symbolic link to its target, itself included; 0 for other kinds.</summary>
    public int Hops { get; set; }

    /// <summary>Digest of a file's content. The caller of <see cref="ArchiveReader"/> sets it after it has read the content.</summary>
    public Digest Content { get; set; }

    /// <summary>The entry of a manifest for the node, or for the target of a link.</summary>
    /// <param name="at">The path of the entry.</param>
    public ManifestEntry ToEntry(string at)
    {
        var real = Target ?? this;
        return real.Kind == ArchiveNodeKind.Directory
            ? ManifestEntry.Directory(at)
            : ManifestEntry.File(at, real.Size, real.Content, real.IsExecutable);
    }
}
