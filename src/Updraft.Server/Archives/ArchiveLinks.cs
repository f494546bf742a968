using Updraft.Protocol;

namespace Updraft.Server.Archives;

/// <summary>
/// Replaces symbolic links with copies. The target of a link must be relative and inside the archive, and a regular file or a directory of
/// the archive. Other links may be on the way, at most 40 as on Linux. A link to a directory becomes a copy of the directory. That
/// directory must not hold another link to a directory, so that copies never nest and always end.
/// </summary>
internal sealed class ArchiveLinks(List<ArchiveNode> nodes, Func<string, ArchiveNode?> find, Func<string, bool> isLeftOut,
    ArchiveOptions limits)
{
    private const int MaxHops = 40;
    private const string Advice = "Use a relative link to a file or directory of the archive, or the file itself (tar with --dereference).";

    /// <summary>Adds the copies of all links. Their number and size are checked before the first copy is added.</summary>
    /// <param name="entries">Receives the copies.</param>
    /// <param name="bytes">Size of all files without the copies.</param>
    /// <exception cref="Api.ApiException">400: a link breaks the rule, or the copies exceed a limit.</exception>
    public void AddCopies(List<ManifestEntry> entries, long bytes)
    {
        var links = nodes.FindAll(node => node.Kind == ArchiveNodeKind.SymbolicLink);
        foreach (var link in links)
            Resolve(link, 1);
        var trees = links.Exists(IsDirectoryLink) ? new Subtrees(nodes) : null;
        long count = nodes.Count;
        foreach (var link in links)
        {
            var (below, belowBytes) = IsDirectoryLink(link) ? Measure(link, trees!) : (0, link.Target!.Size);
            count += below;
            bytes += belowBytes;
            if (count > limits.MaxEntries)
                throw CopyExceeds(link, $"{limits.MaxEntries} entries", ArchiveLimits.MaxEntries);
            if (bytes > limits.MaxUnpackedBytes)
                throw CopyExceeds(link, $"{limits.MaxUnpackedBytes} bytes", ArchiveLimits.MaxUnpackedBytes);
        }
        foreach (var link in links)
        {
            entries.Add(link.ToEntry(link.Path));
            if (IsDirectoryLink(link))
                Copy(link, trees!, entries);
        }
    }

    private static bool IsDirectoryLink(ArchiveNode node) =>
        node is { Kind: ArchiveNodeKind.SymbolicLink, Target.Kind: ArchiveNodeKind.Directory };

    /// <summary>
    /// The target of a link. Walks from the directory of the link along its target, and follows links on the way. Each link is walked
    /// once, because it then has its target.
    /// </summary>
    private ArchiveNode Resolve(ArchiveNode link, int depth)
    {
        if (link.Target is { } resolved)
            return resolved;
        if (link.Link.StartsWith('/'))
            throw Invalid(link, "which is absolute");
        var (at, hops) = (BundlePath.Parent(link.Path) ?? "", 1);
        ArchiveNode? node = null;
        foreach (var range in link.Link.AsSpan().Split('/'))
        {
            var component = link.Link[range];
            if (node is { Kind: ArchiveNodeKind.File })
                throw Invalid(link, "which leads through a file");
            if (component is "" or ".")
                continue;
            at = component == ".." ? Up(link, at) : at.Length == 0 ? component : $"{at}/{component}";
            if (at.Length > limits.MaxPathBytes)
                throw Invalid(link, $"which has more than {limits.MaxPathBytes} bytes ({ArchiveLimits.MaxPathBytes})",
                    ArchiveLimits.MaxPathBytes);
            node = at.Length == 0 ? null : find(at) ?? throw Missing(link, at, link.Link[range.End..]);
            if (node is not { Kind: ArchiveNodeKind.SymbolicLink } next)
                continue;
            if (depth < MaxHops)
                node = Resolve(next, depth + 1);
            hops += next.Hops;
            if (depth == MaxHops || hops > MaxHops)
                throw Invalid(link, $"which leads through more than {MaxHops} links, or back to itself");
            at = node.Path;
        }
        if (node is null || link.Path.StartsWith(node.Path + "/", StringComparison.Ordinal))
            throw Invalid(link, "which holds the link itself");
        link.Hops = hops;
        return link.Target = node.Target ?? node; // A hard link has a target too.
    }

    private static string Up(ArchiveNode link, string at) =>
        at.Length == 0 ? throw Invalid(link, "which leads out of the archive") : BundlePath.Parent(at) ?? "";

    /// <summary>The reason that a link has no target.</summary>
    /// <param name="link">The link.</param>
    /// <param name="at">The first path on the way that is not in the tree.</param>
    /// <param name="rest">The rest of the way, which can begin in a directory that the tree leaves out.</param>
    private Api.ApiException Missing(ArchiveNode link, string at, string rest)
    {
        var full = at;
        foreach (var component in rest.Split('/').Where(static part => part is not ("" or ".")))
            full = component == ".." ? BundlePath.Parent(full) ?? "" : full.Length == 0 ? component : $"{full}/{component}";
        return isLeftOut(full) || (isLeftOut(at) && find(full) is not null)
            ? BadArchive.Entry(link.Path, $"is a link to '{BadArchive.Shorten(link.Link)}', {Bytecode.IsLeftOut}", Bytecode.Advice)
            : Invalid(link, "which is not in the archive");
    }

    private static (int Count, long Bytes) Measure(ArchiveNode link, Subtrees trees)
    {
        var (first, end) = trees.Below(link.Target!.Path);
        if (trees.DirectoryLinks(first, end) > 0)
            throw Invalid(link, "which has a link to a directory in it");
        return (end - first, trees.Bytes(first, end));
    }

    private void Copy(ArchiveNode link, Subtrees trees, List<ManifestEntry> entries)
    {
        var (first, end) = trees.Below(link.Target!.Path);
        for (var i = first; i < end; i++)
        {
            var path = string.Concat(link.Path, trees.Sorted[i].Path.AsSpan(link.Target.Path.Length));
            if (ArchivePath.FindProblem(path, limits) is { } problem)
            {
                throw BadArchive.Entry(path, $"{problem.Text}; it is part of the copy for the link '{BadArchive.Shorten(link.Path)}'",
                    "Remove the link, and pack the archive again.", problem.Limit);
            }
            entries.Add(trees.Sorted[i].ToEntry(path));
        }
    }

    private static Api.ApiException CopyExceeds(ArchiveNode link, string limit, string setting) => BadArchive.Entry(link.Path,
        $"is a link; with the copy of its target, the bundle has more than {limit}",
        $"Remove the link, or raise {setting}.", setting);

    private static Api.ApiException Invalid(ArchiveNode link, string reason, string? limit = null) =>
        BadArchive.Entry(link.Path, $"is a link to '{BadArchive.Shorten(link.Link)}', {reason}", Advice, limit);

    /// <summary>All nodes sorted by path, with running sums. The nodes below a directory are one range.</summary>
    private sealed class Subtrees
    {
        private readonly long[] _bytes;
        private readonly int[] _directoryLinks;

        public Subtrees(List<ArchiveNode> nodes)
        {
            Sorted = [.. nodes];
            Array.Sort(Sorted, static (a, b) => string.CompareOrdinal(a.Path, b.Path));
            (_bytes, _directoryLinks) = (new long[Sorted.Length + 1], new int[Sorted.Length + 1]);
            for (var i = 0; i < Sorted.Length; i++)
            {
                _bytes[i + 1] = _bytes[i] + (Sorted[i].Target ?? Sorted[i]).Size;
                _directoryLinks[i + 1] = _directoryLinks[i] + (IsDirectoryLink(Sorted[i]) ? 1 : 0);
            }
        }

        public ArchiveNode[] Sorted { get; }

        // '0' is the character after '/'.
        public (int First, int End) Below(string directory) => (LowerBound(directory + "/"), LowerBound(directory + "0"));

        public long Bytes(int first, int end) => _bytes[end] - _bytes[first];

        public int DirectoryLinks(int first, int end) => _directoryLinks[end] - _directoryLinks[first];

        /// <summary>Index of the first path that is not less than the given one.</summary>
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
