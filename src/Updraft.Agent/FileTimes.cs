using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Airflow decides by modification time which file to parse again, and Python whether its cache is stale. So just before
/// a flip every file that differs from what is mounted there gets the time of now, also in an old tree that comes back;
/// what is the same keeps inode and time.
/// </summary>
internal sealed class FileTimes(AgentRoot root, LocalManifests manifests, TimeProvider clock)
{
    /// <summary>Refreshes the trees of a state that is about to be flipped to.</summary>
    /// <param name="before">What is mounted; null for nothing.</param>
    /// <param name="after">What will be.</param>
    /// <returns>How many files differ.</returns>
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
            foreach (var entry in Differing(previous, mount))
            {
                // Files are linked only between equal entries, so an equal entry of a mounted tree may be the same inode.
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

    /// <summary>The files of a mount that are not the same at their paths below the mount that was there.</summary>
    private IEnumerable<ManifestEntry> Differing(DesiredMount? previous, DesiredMount mount)
    {
        if (Find(mount) is not { } manifest)
            return [];
        var basis = previous is null ? null : Find(previous);
        if (basis is null || previous!.Subfolder == mount.Subfolder)
        {
            var prefix = Prefix(mount);
            return ManifestDiff.Compare(basis, manifest).Added.Where(entry => !entry.IsFolder && entry.Path.StartsWith(prefix, StringComparison.Ordinal));
        }
        var known = Files(basis, Prefix(previous)).ToDictionary(file => file.Path, file => file.Entry, StringComparer.Ordinal);
        return Files(manifest, Prefix(mount)).Where(file => !(known.TryGetValue(file.Path, out var old)
            && (old.Content, old.IsExecutable) == (file.Entry.Content, file.Entry.IsExecutable))).Select(file => file.Entry);
    }

    private Manifest? Find(DesiredMount mount) => manifests.Find(Digest.Parse(mount.Manifest));

    private static string Prefix(DesiredMount mount) => mount.Subfolder is null ? "" : mount.Subfolder + "/";

    /// <summary>The files below a folder with their paths there.</summary>
    private static IEnumerable<(string Path, ManifestEntry Entry)> Files(Manifest manifest, string prefix) => manifest.Entries
        .Where(entry => !entry.IsFolder && entry.Path.StartsWith(prefix, StringComparison.Ordinal)).Select(entry => (entry.Path[prefix.Length..], entry));
}
