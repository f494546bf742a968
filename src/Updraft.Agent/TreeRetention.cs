namespace Updraft.Agent;

/// <summary>
/// Removes states, manifests and trees that are no longer in use. A task can import files long after the flip that replaced them. So an
/// earlier state stays for a number of states and for a time, with its trees and links.
/// </summary>
internal sealed class TreeRetention(AgentRoot root, Mounts mounts, AgentOptions options, AgentLog log, TimeProvider clock)
{
    public void Prune()
    {
        try
        {
            DiscardUnused();
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Warning("prune_failed", ("reason", exception.Message));
        }
    }

    private void DiscardUnused()
    {
        // Without the record of the current state, the trees in use are unknown.
        if (mounts.ActiveName is not null && mounts.Active is null)
            return;
        var cutoff = clock.GetUtcNow().UtcDateTime - options.KeepFor;
        var kept = new HashSet<string>(Trees(mounts.Active), StringComparer.Ordinal);
        foreach (var (index, (directory, record, leftAt)) in mounts.EarlierStates().Index())
        {
            if (record is not null && (index < options.KeepTrees || leftAt > cutoff))
                kept.UnionWith(Trees(record));
            else
                Discard(directory);
        }
        foreach (var manifest in new DirectoryInfo(root.Manifests).EnumerateFiles())
        {
            // The age keeps manifests that were prepared recently but are not active yet.
            if (kept.Contains(manifest.Name) || manifest.LastWriteTimeUtc > cutoff)
                kept.Add(manifest.Name);
            else
                manifest.Delete();
        }
        foreach (var tree in new DirectoryInfo(root.Trees).EnumerateDirectories().Where(tree => !kept.Contains(tree.Name)))
            Discard(tree.FullName);
    }

    private static IEnumerable<string> Trees(StateRecord? state) => state?.Mounts.Select(mount => mount.Manifest) ?? [];

    /// <summary>Renames a directory before its deletion, so that a partly deleted tree has no final name.</summary>
    private void Discard(string directory)
    {
        var work = Path.Join(Path.GetDirectoryName(directory), Path.GetRandomFileName() + AgentRoot.PartialSuffix);
        try
        {
            Posix.Rename(directory, work);
            AgentRoot.Remove(work);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Warning("removal_failed", ("path", directory), ("reason", exception.Message));
        }
    }
}
