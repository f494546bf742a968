namespace Updraft.Agent;

/// <summary>
/// Throws away what nothing uses any more. A task imports files long after the flip that replaced them, so an earlier
/// state stays for a count and for an age, with its trees and the paths that lead to them.
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
            log.Warning("not_pruned", ("reason", exception.Message));
        }
    }

    private void DiscardUnused()
    {
        // Without the current state's record nobody knows what is in use.
        if (mounts.ActiveName is not null && mounts.Active is null)
            return;
        var horizon = clock.GetUtcNow().UtcDateTime - options.KeepFor;
        var kept = new HashSet<string>(Trees(mounts.Active), StringComparer.Ordinal);
        foreach (var (place, (folder, record, leftAt)) in mounts.Earlier().Index())
        {
            if (record is not null && (place < options.KeepTrees || leftAt > horizon))
                kept.UnionWith(Trees(record));
            else
                Discard(folder);
        }
        foreach (var manifest in new DirectoryInfo(root.Manifests).EnumerateFiles())
        {
            // Also keeps what was prepared a moment ago and is not active yet.
            if (kept.Contains(manifest.Name) || manifest.LastWriteTimeUtc > horizon)
                kept.Add(manifest.Name);
            else
                manifest.Delete();
        }
        foreach (var tree in new DirectoryInfo(root.Trees).EnumerateDirectories().Where(tree => !kept.Contains(tree.Name)))
            Discard(tree.FullName);
    }

    private static IEnumerable<string> Trees(StateRecord? state) => state?.Mounts.Select(mount => mount.Manifest) ?? [];

    /// <summary>Takes the name away first: a half-deleted tree must not be taken for a whole one.</summary>
    private void Discard(string folder)
    {
        var work = Path.Join(Path.GetDirectoryName(folder), Path.GetRandomFileName() + AgentRoot.PartialSuffix);
        try
        {
            Posix.Rename(folder, work);
            AgentRoot.Remove(work);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Warning("not_removed", ("path", folder), ("reason", exception.Message));
        }
    }
}
