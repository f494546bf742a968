using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Sets modification times before a flip. From them, Airflow decides which files to parse, and Python decides whether its caches are stale.
/// So each file that differs from the mounted one gets the current time, even in an earlier tree that is mounted again. Equal files keep
/// their inode and time.
/// </summary>
internal sealed class FileTimes(AgentRoot root, LocalManifests manifests, TimeProvider clock)
{
    /// <summary>Sets the times of the trees that the next flip mounts.</summary>
    /// <param name="before">Mounted state; null for none.</param>
    /// <param name="after">Mounts after the flip.</param>
    /// <returns>Number of files that differ.</returns>
    public int Refresh(StateRecord? before, IReadOnlyList<DesiredMount> after)
    {
        var old = before?.Mounts ?? [];
        var (refreshed, now) = (0, clock.GetUtcNow().UtcDateTime);
        List<Manifest>? mounted = null;
        foreach (var mount in after)
        {
            var previous = old.FirstOrDefault(candidate => candidate.Path == mount.Path);
            if (previous is not null && (previous.Manifest, previous.Subfolder) == (mount.Manifest, mount.Subfolder))
                continue;
            foreach (var entry in ChangedFiles(previous, mount))
            {
                // Trees share the inodes of equal entries only, so an equal entry in a mounted tree may have this inode.
                mounted ??= old.Select(other => manifests.Find(Digest.Parse(other.Manifest))).OfType<Manifest>().ToList();
                var isShared = mounted.Exists(manifest => manifest.Find(entry.Path) == entry);
                Refresh(Path.Join(root.Tree(Digest.Parse(mount.Manifest)), entry.Path), isShared, now);
                refreshed++;
            }
        }
        return refreshed;
    }

    private void Refresh(string path, bool isShared, DateTime now)
    {
        if (isShared)
        {
            var copy = root.Temporary();
            File.Copy(path, copy);
            using (var file = Posix.OpenNoFollow(copy))
                Posix.Fsync(file, copy);
            Posix.Rename(copy, path);
            Posix.FsyncDirectory(Path.GetDirectoryName(path)!);
        }
        File.SetLastWriteTimeUtc(path, now);
    }

    /// <summary>Files of a mount that differ from the file at their path in the earlier mount.</summary>
    private IEnumerable<ManifestEntry> ChangedFiles(DesiredMount? previous, DesiredMount mount)
    {
        if (Find(mount) is not { } manifest)
            return [];
        var baseManifest = previous is null ? null : Find(previous);
        if (baseManifest is null || previous!.Subfolder == mount.Subfolder)
        {
            var prefix = Prefix(mount);
            return ManifestDiff.Compare(baseManifest, manifest).Added
                .Where(entry => !entry.IsDirectory && entry.Path.StartsWith(prefix, StringComparison.Ordinal));
        }
        var known = Files(baseManifest, Prefix(previous)).ToDictionary(file => file.Path, file => file.Entry, StringComparer.Ordinal);
        return Files(manifest, Prefix(mount)).Where(file => !(known.TryGetValue(file.Path, out var old)
            && (old.Content, old.IsExecutable) == (file.Entry.Content, file.Entry.IsExecutable))).Select(file => file.Entry);
    }

    private Manifest? Find(DesiredMount mount) => manifests.Find(Digest.Parse(mount.Manifest));

    private static string Prefix(DesiredMount mount) => mount.Subfolder is null ? "" : mount.Subfolder + "/";

    /// <summary>Files below a prefix, each with its path after the prefix.</summary>
    private static IEnumerable<(string Path, ManifestEntry Entry)> Files(Manifest manifest, string prefix) => manifest.Entries
        .Where(entry => !entry.IsDirectory && entry.Path.StartsWith(prefix, StringComparison.Ordinal))
        .Select(entry => (entry.Path[prefix.Length..], entry));
}
