using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Prebuilt trees: for each mounted tree, a second tree of hard links to the same files, built and synced while the agent is idle. The
/// next deploy starts with it, so it changes and syncs only different files, independent of their number. A missing prebuilt tree only
/// takes more time. So the agent does not trust those of an earlier run.
/// </summary>
internal sealed class PrebuiltTrees(AgentRoot root, LocalManifests manifests, VerifiedFiles verified, Removal removal, AgentLog log)
{
    private readonly HashSet<Digest> _complete = [];

    /// <summary>Removes the prebuilt trees of trees that are no longer mounted, and builds missing ones.</summary>
    /// <returns>False if a mounted file is damaged or missing.</returns>
    public bool Refill(IReadOnlyList<DesiredMount> mounts, CancellationToken cancellationToken)
    {
        try
        {
            var wanted = mounts.Select(mount => Digest.Parse(mount.Manifest)).ToHashSet();
            _complete.IntersectWith(wanted);
            foreach (var prebuilt in new DirectoryInfo(root.PrebuiltTrees).EnumerateDirectories())
            {
                if (!Digest.TryParse(prebuilt.Name, out var tree) || !_complete.Contains(tree))
                    removal.Discard(prebuilt.FullName);
            }
            return wanted.Except(_complete).ToList().TrueForAll(tree => Build(tree, cancellationToken));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Warning("prebuilt_tree_failed", ("reason", ErrorReason.Of(exception)));
            return true;
        }
    }

    /// <summary>Removes all prebuilt trees, for example because the disk is full.</summary>
    public void Clear()
    {
        _complete.Clear();
        foreach (var prebuilt in Directory.EnumerateDirectories(root.PrebuiltTrees))
            removal.Discard(prebuilt);
    }

    /// <summary>Moves the prebuilt tree of a tree to a path. False if there is none.</summary>
    public bool TryTake(Digest tree, string path)
    {
        if (!_complete.Remove(tree))
            return false;
        Posix.Rename(root.PrebuiltTree(tree), path);
        return true;
    }

    /// <summary>Discards the prebuilt tree of a damaged tree, because both share their files.</summary>
    public void Drop(Digest tree) => _complete.Remove(tree);

    /// <summary>Builds a prebuilt tree. If it is canceled, the next <see cref="Refill"/> removes the incomplete tree.</summary>
    /// <returns>False if a file of the tree is damaged or missing.</returns>
    private bool Build(Digest digest, CancellationToken cancellationToken)
    {
        if (manifests.Find(digest) is not { } manifest)
            return true;
        var (tree, prebuilt) = (root.Tree(digest), root.PrebuiltTree(digest));
        root.MakeDirectory(prebuilt);
        foreach (var entry in manifest.Entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry.IsDirectory)
                root.MakeDirectory(Path.Join(prebuilt, entry.Path));
            else if (!TreeFiles.TryLink(Path.Join(tree, entry.Path), Path.Join(prebuilt, entry.Path), entry, verified, cancellationToken))
                return false;
        }
        Posix.SyncFileSystem(prebuilt);
        _complete.Add(digest);
        log.Information("prebuilt_tree_created", ("tree", digest), ("files", manifest.FileCount));
        return true;
    }
}
