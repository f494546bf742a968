using System.Text;
using Updraft.Protocol;
using Updraft.Server.Bundles;

namespace Updraft.Server.Archives;

/// <summary>
/// The tree that an archive's entries form. Refuses entries that meet, differ only in case or in the spelling of an accent,
/// lie below a file or a link, or are too many. Links are resolved when the archive has ended: <see cref="ArchiveLinks"/>.
/// </summary>
internal sealed class ArchiveTree(ArchiveOptions limits)
{
    private readonly List<ArchiveNode> _nodes = [];

    // Keyed by the composed form and compared without case, so that what one name is for macOS or Windows is found as one.
    private readonly Dictionary<string, ArchiveNode> _byName = new(StringComparer.OrdinalIgnoreCase);
    private ArchiveNode? _lastFolder;
    private int _entries;
    private long _bytes;

    /// <summary>Adds an entry.</summary>
    /// <returns>The node of a file, whose content follows; null for anything else.</returns>
    /// <exception cref="Api.ApiException">400: the entry breaks a rule.</exception>
    public ArchiveNode? Add(in TarEntry entry)
    {
        if (++_entries > limits.MaxEntries)
            throw TooMany(entry.Name);
        var path = ArchivePath.Normalize(entry.Name, entry.Kind == TarEntryKind.Folder, limits);
        switch (entry.Kind)
        {
            case TarEntryKind.Folder:
                AddFolder(path);
                return null;
            case TarEntryKind.File:
                return AddNode(path, new ArchiveNode(path, ArchiveNodeKind.File) { Size = entry.Size, IsExecutable = entry.IsExecutable });
            case TarEntryKind.HardLink:
                var target = FindHardLinkTarget(path, entry.Link);
                AddNode(path, new ArchiveNode(path, ArchiveNodeKind.File) { Size = target.Size, Target = target });
                return null;
            default:
                AddNode(path, new ArchiveNode(path, ArchiveNodeKind.SymbolicLink) { Link = entry.Link });
                return null;
        }
    }

    /// <summary>The manifest of the whole tree, when the contents of all files are known.</summary>
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
            new ArchiveLinks(_nodes, Find, limits).AddCopies(entries, _bytes);
        return Manifest.Create(entries);
    }

    private void AddFolder(string path)
    {
        // The archive's own root, and a folder that is named again, say nothing new.
        if (path.Length > 0 && Find(path) is not { Kind: ArchiveNodeKind.Folder })
            AddNode(path, new ArchiveNode(path, ArchiveNodeKind.Folder));
    }

    private ArchiveNode AddNode(string path, ArchiveNode node)
    {
        RequireDirectory(path);
        if (_nodes.Count >= limits.MaxEntries)
            throw TooMany(path);
        if (!_byName.TryAdd(Key(path), node))
            throw Meets(path, _byName[Key(path)].Path);
        _nodes.Add(node);
        _bytes += node.Size;
        if (_bytes > limits.MaxUnpackedBytes)
            throw BadArchive.Entry(path, $"brings the files to more than {limits.MaxUnpackedBytes} bytes",
                "Leave out what Airflow does not need, or raise Archives:MaxUnpackedBytes.");
        return node;
    }

    /// <summary>Sees to it that the folder above a path exists; archives need not name it.</summary>
    private void RequireDirectory(string path)
    {
        var slash = path.LastIndexOf('/');
        if (slash < 0 || (_lastFolder is not null && path.AsSpan(0, slash).SequenceEqual(_lastFolder.Path)))
            return;
        var folder = path[..slash];
        if (!_byName.TryGetValue(Key(folder), out var node))
            node = AddNode(folder, new ArchiveNode(folder, ArchiveNodeKind.Folder));
        if (node.Path != folder)
            throw Meets(folder, node.Path);
        if (node.Kind != ArchiveNodeKind.Folder)
            throw BadArchive.Entry(path,
                $"lies below '{BadArchive.Shorten(folder)}', which is a {(node.Kind == ArchiveNodeKind.File ? "file" : "link")}");
        _lastFolder = node;
    }

    private ArchiveNode? Find(string path) => _byName.TryGetValue(Key(path), out var node) && node.Path == path ? node : null;

    private ArchiveNode FindHardLinkTarget(string path, string link)
    {
        var target = ArchivePath.Problem(link.StartsWith("./", StringComparison.Ordinal) ? link[2..] : link, limits) is null
            ? Find(ArchivePath.Normalize(link, isFolder: false, limits))
            : null;
        if (target is not { Kind: ArchiveNodeKind.File })
            throw BadArchive.Entry(path, $"is a hard link to '{BadArchive.Shorten(link)}', which is no regular file earlier in the archive",
                "Pack it as a file of its own: use tar with --hard-dereference.");
        return target.Target ?? target;
    }

    private static string Key(string path) => Ascii.IsValid(path) ? path : path.Normalize(NormalizationForm.FormC);

    private static Api.ApiException Meets(string path, string other) => path == other
        ? BadArchive.Entry(path, "occurs twice", "Pack the archive again, each name once.")
        : BadArchive.Entry(path, $"and '{BadArchive.Shorten(other)}' are the same name where case and accents do not count");

    private Api.ApiException TooMany(string name) => BadArchive.Entry(name,
        $"is one more than the {limits.MaxEntries} files and folders that are allowed",
        "Leave out what Airflow does not need, or raise Archives:MaxEntries.");
}

/// <summary>What a node of an <see cref="ArchiveTree"/> is.</summary>
internal enum ArchiveNodeKind : byte
{
    Folder,
    File,
    SymbolicLink,
}

/// <summary>One place in an <see cref="ArchiveTree"/>.</summary>
internal sealed class ArchiveNode(string path, ArchiveNodeKind kind)
{
    public string Path => path;

    public ArchiveNodeKind Kind => kind;

    /// <summary>Length of a file's content.</summary>
    public long Size { get; init; }

    public bool IsExecutable { get; init; }

    /// <summary>Where a symbolic link points, as the archive has it.</summary>
    public string Link { get; init; } = "";

    /// <summary>The file or folder that a link stands for; null for a file or folder itself.</summary>
    public ArchiveNode? Target { get; set; }

    /// <summary>Digest of a file's content, once it has been read.</summary>
    public Digest Content { get; set; }

    /// <summary>The node as it stands in a manifest, at a path.</summary>
    public ManifestEntry ToEntry(string at)
    {
        var real = Target ?? this;
        return real.Kind == ArchiveNodeKind.Folder
            ? ManifestEntry.Directory(at)
            : ManifestEntry.File(at, real.Size, real.Content, real.IsExecutable);
    }
}
