using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Beside each mounted tree a second one of links to the same files, made and synced when there is nothing else to do. The next deploy
/// begins with it: it touches and syncs only what changed, however many files there are. Not having one costs time and nothing else, so
/// none is trusted that another run of the agent has left.
/// </summary>
internal sealed class PrebuiltTrees(AgentRoot root, LocalManifests manifests, AgentLog log)
{
    private readonly HashSet<Digest> _whole = [];

    /// <summary>Removes the spares of trees that are not mounted any more, and makes those that are missing.</summary>
    /// <returns>False when a mounted file is not what it should be, or is missing.</returns>
    public bool Refill(IReadOnlyList<DesiredMount> mounts, CancellationToken cancellationToken)
    {
        try
        {
            var wanted = mounts.Select(mount => Digest.Parse(mount.Manifest)).ToHashSet();
            _whole.IntersectWith(wanted);
            foreach (var spare in new DirectoryInfo(root.Spares).EnumerateDirectories())
            {
                if (!Digest.TryParse(spare.Name, out var tree) || !_whole.Contains(tree))
                    AgentRoot.Remove(spare.FullName);
            }
            return wanted.Except(_whole).ToList().TrueForAll(tree => Make(tree, cancellationToken));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Warning("no_spare", ("reason", exception.Message));
            return true;
        }
    }

    /// <summary>Gives away the spare of a tree, under another name. False when there is none.</summary>
    public bool TryTake(Digest tree, string name)
    {
        if (!_whole.Remove(tree))
            return false;
        Posix.Rename(root.Spare(tree), name);
        return true;
    }

    /// <summary>Forgets the spare of a tree that is about to be repaired: it has the same damage.</summary>
    public void Drop(Digest tree) => _whole.Remove(tree);

    /// <summary>Makes a spare. What is given up half-way is removed by the next call: whoever gives it up has something better to do.</summary>
    /// <returns>False when a file of the tree is not what it should be.</returns>
    private bool Make(Digest digest, CancellationToken cancellationToken)
    {
        if (manifests.Find(digest) is not { } manifest)
            return true;
        var (tree, spare) = (root.Tree(digest), root.Spare(digest));
        AgentRoot.MakeDirectory(spare);
        foreach (var entry in manifest.Entries)
        {
            cancellationToken.ThrowIfCancellationRequested();
            if (entry.IsFolder)
                AgentRoot.MakeDirectory(Path.Join(spare, entry.Path));
            else if (!TreeFiles.TryLink(Path.Join(tree, entry.Path), Path.Join(spare, entry.Path), entry))
                return false;
        }
        Posix.SyncFileSystem(spare);
        _whole.Add(digest);
        log.Information("spare", ("tree", digest), ("files", manifest.FileCount));
        return true;
    }
}
