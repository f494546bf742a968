using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Removes states, manifests and trees that are no longer in use. A task can import files long after the flip that replaced them. So an
/// earlier state stays for a number of states and for a time, with its trees and links.
/// </summary>
internal sealed class TreeRetention(AgentRoot root, LocalManifests manifests, Mounts mounts, VerifiedFiles verified, Removal removal,
    AgentOptions options, AgentLog log, TimeProvider clock)
{
    private readonly Lock _gate = new();
    private volatile IReadOnlyList<DesiredMount> _needed = [];

    /// <summary>Protects the trees of the revision that the agent works on.</summary>
    public void Protect(IReadOnlyList<DesiredMount> needed) => _needed = needed;

    /// <summary>Removes the trees beyond both limits. The agent must not build a tree at this time.</summary>
    public void Prune() => TryDiscard(options.KeepTrees, isFull: false);

    /// <summary>
    /// Removes as much as possible from a full disk. States that only their number keeps go too. Those that a task may still read stay for
    /// their time.
    /// </summary>
    /// <returns>Whether something was removed, so that a retry can succeed.</returns>
    public bool Reclaim()
    {
        var removed = TryDiscard(keepTrees: 0, isFull: true);
        if (removed > 0)
            log.Warning("space_reclaimed", ("removed", removed), ("consequence", "The disk is full, so earlier states went early."));
        return removed > 0;
    }

    private int TryDiscard(int keepTrees, bool isFull)
    {
        lock (_gate)
        {
            try
            {
                return DiscardUnused(keepTrees, isFull);
            }
            catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
            {
                log.Warning("prune_failed", ("reason", ErrorReason.Of(exception)));
                return 0;
            }
        }
    }

    private int DiscardUnused(int keepTrees, bool isFull)
    {
        // Without the record of the current state, the trees in use are unknown.
        if (!mounts.IsCertain)
            return 0;
        var (unused, cutoff) = (new List<string>(), clock.GetUtcNow().UtcDateTime - options.KeepFor);
        var kept = new HashSet<string>(Trees(mounts.Active?.Mounts).Concat(Trees(_needed)), StringComparer.Ordinal);
        foreach (var (index, (directory, record, leftAt)) in mounts.EarlierStates().Index())
        {
            if (record is not null && (index < keepTrees || leftAt > cutoff))
                kept.UnionWith(Trees(record.Mounts));
            else
                unused.Add(directory);
        }
        foreach (var manifest in new DirectoryInfo(root.Manifests).EnumerateFiles())
        {
            // The age keeps manifests that were prepared recently but are not active yet.
            if (kept.Contains(manifest.Name) || manifest.LastWriteTimeUtc > cutoff)
                kept.Add(manifest.Name);
            else
                removal.TryRemove(manifest.FullName);
        }
        unused.AddRange(Directory.EnumerateDirectories(root.Trees).Where(tree => !kept.Contains(Path.GetFileName(tree))));
        // On a full disk, another task of the agent may build an incomplete tree or state at this moment.
        if (isFull)
            unused.RemoveAll(directory => directory.EndsWith(AgentRoot.PartialSuffix, StringComparison.Ordinal));
        var removed = 0;
        if (unused.Count > 0)
            verified.RenewAfter(MountedFiles(), () => removed = unused.Count(removal.Discard));
        return removed;
    }

    private IEnumerable<string> MountedFiles() => Trees(mounts.Active?.Mounts)
        .Select(manifest => manifests.Find(Digest.Parse(manifest))).OfType<Manifest>()
        .SelectMany(manifest => manifest.Entries.Where(entry => !entry.IsDirectory)
            .Select(entry => Path.Join(root.Tree(manifest.Digest), entry.Path)));

    private static IEnumerable<string> Trees(IReadOnlyList<DesiredMount>? mounts) => mounts?.Select(mount => mount.Manifest) ?? [];
}
