using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>Detects drift of the mounted trees, and repairs it.</summary>
internal sealed class DriftRepair(AgentRoot root, LocalManifests manifests, Mounts mounts, TreeBuilder trees, AgentLog log)
{
    /// <summary>Looks at each mounted tree, and downloads damaged or missing files. A failed repair is logged.</summary>
    public async Task InspectAsync(Inspection inspection, CancellationToken cancellationToken)
    {
        foreach (var mount in mounts.Active?.Mounts ?? [])
        {
            try
            {
                await trees.EnsureAsync(mount, Digest.Parse(mount.Manifest), inspection, cancellationToken);
                if (inspection == Inspection.Content)
                    ReportUnmanagedFiles(mount);
            }
            catch (Exception exception) when (exception is HttpRequestException or TimeoutException or IOException
                or InvalidDataException or UnauthorizedAccessException)
            {
                log.Error("repair_failed", ("mount", mount.Path), ("reason", ErrorReason.Of(exception)));
            }
        }
    }

    /// <summary>
    /// Logs unmanaged files of a mounted tree, except for Python's caches. The agent leaves them, because a task may have
    /// written them.
    /// </summary>
    private void ReportUnmanagedFiles(DesiredMount mount)
    {
        if (manifests.Find(Digest.Parse(mount.Manifest)) is not { } manifest)
            return;
        var tree = root.Tree(manifest.Digest);
        var known = manifest.Entries.Select(entry => entry.Path).ToHashSet(StringComparer.Ordinal);
        var everything = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        var unmanaged = Directory.EnumerateFileSystemEntries(tree, "*", everything).Select(path => Path.GetRelativePath(tree, path))
            .Where(path => !known.Contains(path) && !path.Split('/').Contains("__pycache__") && !IsOpenDeletedFile(path)).ToList();
        if (unmanaged.Count > 0)
            log.Warning("unmanaged_files_found", ("mount", mount.Path), ("count", unmanaged.Count), ("first", unmanaged[0]));
    }

    /// <summary>Whether NFS keeps a deleted file under this name, because a program still has it open.</summary>
    private static bool IsOpenDeletedFile(string path) => Path.GetFileName(path).StartsWith(".nfs", StringComparison.Ordinal);
}
