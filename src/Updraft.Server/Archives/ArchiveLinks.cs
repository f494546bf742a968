using Updraft.Protocol;

namespace Updraft.Server.Archives;

/// <summary>
/// Turns symbolic links into copies. A link is taken if its target is relative, stays inside the archive, is a regular file
/// or folder of it, and no other link is on the way. A link to a folder becomes a copy of the folder, in
/// which no further link to a folder may be: so nothing is copied twice over, and copies end.
/// </summary>
internal sealed class ArchiveLinks(List<ArchiveNode> nodes, Func<string, ArchiveNode?> find, ArchiveOptions limits)
{
    private const string Advice = "Use a relative link to a file or folder of the archive, or the file itself (tar with --dereference).";

    /// <summary>Adds the copies that all links stand for. Their number and size are checked before the first is made.</summary>
    /// <param name="entries">Receives the copies.</param>
    /// <param name="bytes">Size of all files without the copies.</param>
    /// <exception cref="Api.ApiException">400: a link breaks the rule, or the copies are too many or too large.</exception>
    public void AddCopies(List<ManifestEntry> entries, long bytes)
    {
        var links = nodes.FindAll(node => node.Kind == ArchiveNodeKind.SymbolicLink);
        foreach (var link in links)
            link.Target = Resolve(link);
        var trees = links.Exists(IsDirectoryLink) ? new Subtrees(nodes) : null;
        long count = nodes.Count;
        foreach (var link in links)
        {
            var (below, belowBytes) = IsDirectoryLink(link) ? Measure(link, trees!) : (0, link.Target!.Size);
            count += below;
            bytes += belowBytes;
            if (count > limits.MaxEntries || bytes > limits.MaxUnpackedBytes)
                throw BadArchive.Entry(link.Path, $"is a link, and with the copy that it stands for the bundle has more than "
                    + $"{limits.MaxEntries} entries or {limits.MaxUnpackedBytes} bytes",
                    "Leave the link out, or raise Archives:MaxEntries or Archives:MaxUnpackedBytes.");
        }
        foreach (var link in links)
        {
            entries.Add(link.ToEntry(link.Path));
            if (IsDirectoryLink(link))
                Copy(link, trees!, entries);
        }
    }

    private static bool IsDirectoryLink(ArchiveNode node) =>
        node is { Kind: ArchiveNodeKind.SymbolicLink, Target.Kind: ArchiveNodeKind.Folder };

    /// <summary>Walks from the link's folder along its target; every step must be a folder of the archive.</summary>
    private ArchiveNode Resolve(ArchiveNode link)
    {
        if (link.Link.StartsWith('/'))
            throw Refused(link, "which is absolute");
        var at = BundlePath.Parent(link.Path) ?? "";
        ArchiveNode? node = null;
        foreach (var range in link.Link.AsSpan().Split('/'))
        {
            var component = link.Link[range];
            if (node is { Kind: not ArchiveNodeKind.Folder })
                throw Refused(link, node.Kind == ArchiveNodeKind.File ? "which leads through a file" : "which leads through another link");
            if (component is "" or ".")
                continue;
            if (component == "..")
            {
                if (at.Length == 0)
                    throw Refused(link, "which leads out of the archive");
                at = BundlePath.Parent(at) ?? "";
            }
            else
            {
                at = at.Length == 0 ? component : $"{at}/{component}";
            }
            if (at.Length > limits.MaxPathBytes)
                throw Refused(link, "which is too long");
            node = at.Length == 0 ? null : find(at) ?? throw Refused(link, "which is not in the archive");
        }
        if (node?.Kind == ArchiveNodeKind.SymbolicLink)
            throw Refused(link, "which is another link");
        if (node is null || link.Path.StartsWith(node.Path + "/", StringComparison.Ordinal))
            throw Refused(link, "which holds the link itself");
        return node.Target ?? node; // A hard link stands for its target.
    }

    private static (int Count, long Bytes) Measure(ArchiveNode link, Subtrees trees)
    {
        var (first, end) = trees.Below(link.Target!.Path);
        if (trees.DirectoryLinks(first, end) > 0)
            throw Refused(link, "which has a link to a folder in it");
        return (end - first, trees.Bytes(first, end));
    }

    private void Copy(ArchiveNode link, Subtrees trees, List<ManifestEntry> entries)
    {
        var (first, end) = trees.Below(link.Target!.Path);
        for (var i = first; i < end; i++)
        {
            var path = string.Concat(link.Path, trees.Sorted[i].Path.AsSpan(link.Target.Path.Length));
            if (ArchivePath.Problem(path, limits) is { } problem)
                throw BadArchive.Entry(path, $"{problem}; it comes from the link '{BadArchive.Shorten(link.Path)}'", "Leave the link out.");
            entries.Add(trees.Sorted[i].ToEntry(path));
        }
    }

    private static Api.ApiException Refused(ArchiveNode link, string why) =>
        BadArchive.Entry(link.Path, $"is a link to '{BadArchive.Shorten(link.Link)}', {why}", Advice);

    /// <summary>All nodes in the order of their paths, with running sums: what is below a folder is one range.</summary>
    private sealed class Subtrees
    {
        private readonly long[] _bytes;
        private readonly int[] _folderLinks;

        public Subtrees(List<ArchiveNode> nodes)
        {
            Sorted = [.. nodes];
            Array.Sort(Sorted, static (a, b) => string.CompareOrdinal(a.Path, b.Path));
            (_bytes, _folderLinks) = (new long[Sorted.Length + 1], new int[Sorted.Length + 1]);
            for (var i = 0; i < Sorted.Length; i++)
            {
                _bytes[i + 1] = _bytes[i] + (Sorted[i].Target ?? Sorted[i]).Size;
                _folderLinks[i + 1] = _folderLinks[i] + (IsDirectoryLink(Sorted[i]) ? 1 : 0);
            }
        }

        public ArchiveNode[] Sorted { get; }

        public (int First, int End) Below(string folder) => (LowerBound(folder + "/"), LowerBound(folder + "0"));

        public long Bytes(int first, int end) => _bytes[end] - _bytes[first];

        public int DirectoryLinks(int first, int end) => _folderLinks[end] - _folderLinks[first];

        /// <summary>Index of the first path that does not come before the given one.</summary>
        private int LowerBound(string path)
        {
            var (low, high) = (0, Sorted.Length);
            while (low < high)
            {
                var middle = (low + high) / 2;
                if (string.CompareOrdinal(Sorted[middle].Path, path) < 0)
                    low = middle + 1;
                else
                    high = middle;
            }
            return low;
        }
    }
}
