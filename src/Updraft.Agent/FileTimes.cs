using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Sets modification times before a flip. From them, Airflow decides which files to parse, and Python decides whether its caches are stale.
/// Python compares whole seconds and sizes. So each file that differs from the mounted one gets a time in a later whole second than any
/// file had at this path before. That holds for an earlier tree that is mounted again, for a path that was missing in between, and for a
/// clock that goes back. Equal files keep their inode and time.
/// </summary>
internal sealed class FileTimes(AgentRoot root, LocalManifests manifests, VerifiedFiles verified, TimeProvider clock)
{
    /// <summary>
    /// Largest distance of a mounted file's time from the new time that counts for all files. A file that is further ahead got its
    /// time from another program.
    /// </summary>
    private static readonly TimeSpan MaxLead = TimeSpan.FromDays(1);

    /// <summary>Sets the times of the trees that the next flip mounts.</summary>
    /// <param name="before">Mounted state; null for none.</param>
    /// <param name="after">Mounts after the flip.</param>
    /// <param name="lastTime">Latest time that the agent gave to a file so far, in seconds since 1970; 0 if it is unknown.</param>
    /// <returns>Number of files that differ, and the new latest time.</returns>
    public (int Differing, long LastTime) Refresh(StateRecord? before, IReadOnlyList<DesiredMount> after, long lastTime)
    {
        var old = before?.Mounts ?? [];
        var (refreshed, latest) = (0, lastTime);
        var time = Later(clock.GetUtcNow().UtcDateTime, lastTime);
        List<Manifest>? mounted = null;
        foreach (var mount in after)
        {
            var previous = old.FirstOrDefault(candidate => candidate.Path == mount.Path);
            if (previous is not null && (previous.Manifest, previous.Subfolder) == (mount.Manifest, mount.Subfolder))
                continue;
            var prefix = Prefix(mount);
            foreach (var entry in ChangedFiles(previous, mount))
            {
                // Trees share the inodes of equal entries only, so an equal entry in a mounted tree may have this inode.
                mounted ??= old.Select(other => manifests.Find(Digest.Parse(other.Manifest))).OfType<Manifest>().ToList();
                var isShared = mounted.Exists(manifest => manifest.Find(entry.Path) == entry);
                var path = Path.Join(root.Tree(Digest.Parse(mount.Manifest)), entry.Path);
                var known = FileStatus.Find(path);
                var wanted = After(Path.Join(root.Root, mount.Path, entry.Path[prefix.Length..]), time);
                root.SetTime(path, wanted, isShared);
                verified.Renew(path, known);
                refreshed++;
                latest = Math.Max(latest, Seconds(wanted - time < MaxLead ? wanted : time));
            }
        }
        return (refreshed, latest);
    }

    /// <summary>Returns the time for a file that replaces another one: the given time, or a later one if the other is not older.</summary>
    public static DateTime After(string replaced, DateTime time) =>
        new FileInfo(replaced) is { Exists: true } file ? Later(time, Seconds(file.LastWriteTimeUtc)) : time;

    private static DateTime Later(DateTime time, long seconds) =>
        Seconds(time) > seconds ? time : DateTime.UnixEpoch.AddSeconds(seconds + 1);

    private static long Seconds(DateTime time) => (long)Math.Floor((time - DateTime.UnixEpoch).TotalSeconds);

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
