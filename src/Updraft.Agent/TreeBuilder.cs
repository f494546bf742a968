using Updraft.Agent.Tracing;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Builds a tree on disk, without a change that Airflow sees. A tree gets its final name when it is complete.
/// <list type="number">
/// <item>Load the manifest, or download it as the difference to the mounted one, and compare it with the signed state.</item>
/// <item>Find missing entries: all of them for a new tree, the damaged ones for an existing tree.</item>
/// <item>Start with the prebuilt tree, or link unchanged files at equal paths. Copy and verify contents from other paths. Download the
/// rest.</item>
/// <item>Make the tree durable.</item>
/// <item>Rename the tree to its final name.</item>
/// </list>
/// </summary>
internal sealed class TreeBuilder(AgentRoot root, LocalManifests manifests, PackFetcher fetcher, PrebuiltTrees prebuiltTrees,
    VerifiedFiles verified, Removal removal, AgentLog log)
{
    /// <summary>Largest number of earlier trees in which the agent searches for contents.</summary>
    private const int MaxSources = 8;

    /// <summary>
    /// Size in bytes up to which the agent always reads the manifest of an earlier tree. It reads a larger manifest only if more bytes are
    /// missing. A search in thousands of entries takes more time than the download of a small file.
    /// </summary>
    private const int MaxAlwaysRead = 32 * 1024;

    /// <summary>Whether the tree of a mount exists under its final name.</summary>
    public bool Has(DesiredMount mount) => Directory.Exists(root.Tree(Digest.Parse(mount.Manifest)));

    /// <summary>
    /// Builds or repairs the tree of a mount.
    /// </summary>
    /// <param name="mount">Mount of the desired state.</param>
    /// <param name="mounted">Manifest that is mounted at its path now; null for none.</param>
    /// <param name="inspection">How to look at the files of an existing tree.</param>
    /// <exception cref="InvalidDataException">The server's data differs from the signed state.</exception>
    public async Task EnsureAsync(DesiredMount mount, Digest? mounted, Inspection inspection, CancellationToken cancellationToken)
    {
        // :: Step 1
        var digest = Digest.Parse(mount.Manifest);
        var baseManifest = mounted is { } active ? manifests.Find(active) : null;
        var (manifest, locations) = await FindManifestAsync(mount, digest, baseManifest, cancellationToken);
        // :: Step 2
        var tree = root.Tree(digest);
        var exists = Directory.Exists(tree);
        var needed = exists
            ? manifest.Entries.Where(entry => !IsIntact(tree, entry, inspection, cancellationToken)).ToList()
            : manifest.Entries;
        if (exists && needed.Count == 0)
            return;
        // :: Step 3
        using var span = AgentSpans.Begin("build")?.SetTag("updraft.mount", mount.Path).SetTag("updraft.files", needed.Count);
        var work = tree + AgentRoot.PartialSuffix;
        if (Directory.Exists(work) && !removal.TryRemove(work))
            work = Path.Join(root.Trees, Path.GetRandomFileName() + AgentRoot.PartialSuffix);
        try
        {
            var synced = new HashSet<string>(StringComparer.Ordinal) { work };
            if (!exists && baseManifest is not null && prebuiltTrees.TryTake(baseManifest.Digest, work))
                needed = Adapt(work, baseManifest, manifest, synced, cancellationToken);
            else
                root.MakeDirectory(work);
            foreach (var directory in needed.Where(entry => entry.IsDirectory).Select(entry => Path.Join(work, entry.Path)))
            {
                root.MakeDirectory(directory);
                synced.Add(directory);
            }
            var files = needed.Where(entry => !entry.IsDirectory).ToList();
            var sources = Sources(baseManifest, digest, isDamaged: exists, files.Sum(file => file.Size));
            // A damaged file can have hard links in other trees, so a repair copies files and links none.
            var fresh = exists ? MakeParents(work, files) : Link(work, files, sources, cancellationToken);
            var (missing, repeated) = Copy(work, fresh, sources, cancellationToken);
            using (AgentSpans.Begin("fetch")?.SetTag("updraft.mount", mount.Path).SetTag("updraft.files", missing.Count))
                await FetchAsync(work, manifest, baseManifest, locations, missing, cancellationToken);
            foreach (var (first, duplicate) in repeated)
            {
                if (!TreeFiles.TryCopy(Path.Join(work, first.Path), Path.Join(work, duplicate.Path), duplicate, cancellationToken))
                    throw new IOException($"The file '{first.Path}' changed during its copy. Only the agent may change its trees.");
            }
            // :: Step 4
            TreeFiles.Sync(work, fresh, synced);
            foreach (var file in fresh)
                verified.Add(Path.Join(work, file.Path), file);
            // :: Step 5
            if (exists)
                Repair(tree, work, needed);
            else
                Posix.Rename(work, tree);
            Posix.FsyncDirectory(root.Trees);
        }
        finally
        {
            if (Directory.Exists(work))
                removal.TryRemove(work);
        }
        manifests.Touch(digest);
    }

    private async Task<(Manifest, IReadOnlyDictionary<Digest, PackLocation>?)> FindManifestAsync(
        DesiredMount mount, Digest digest, Manifest? baseManifest, CancellationToken cancellationToken)
    {
        var (manifest, locations) = (manifests.Find(digest), (IReadOnlyDictionary<Digest, PackLocation>?)null);
        var isNew = manifest is null;
        if (manifest is null)
            (manifest, locations) = await fetcher.FetchManifestAsync(digest, mount.Files, baseManifest, cancellationToken);
        if (manifest.FileCount != mount.Files || manifest.TotalBytes != mount.Bytes)
            throw new InvalidDataException($"The manifest of '{mount.Path}' has {manifest.FileCount} files and "
                + $"{manifest.TotalBytes} bytes, but the state says {mount.Files} and {mount.Bytes}.");
        if (mount.Subfolder is { } directory && !manifest.Entries.Any(entry => entry.IsDirectory && entry.Path == directory))
            throw new InvalidDataException($"The tree of '{mount.Path}' has no directory '{directory}', which the state mounts.");
        if (isNew)
            manifests.Save(manifest);
        return (manifest, locations);
    }

    private bool IsIntact(string tree, ManifestEntry entry, Inspection inspection, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Path.Join(tree, entry.Path);
        if (entry.IsDirectory)
            return Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null;
        return inspection switch
        {
            Inspection.Metadata => TreeFiles.MatchesMetadata(path, entry),
            Inspection.Changed => verified.Has(path, entry, cancellationToken),
            _ => TreeFiles.HasContent(path, entry, cancellationToken),
        };
    }

    /// <summary>Trees in which contents can be found: the mounted one, then earlier ones.</summary>
    /// <param name="baseManifest">Mounted manifest; null for none.</param>
    /// <param name="wanted">Manifest of the new tree.</param>
    /// <param name="isDamaged">Whether the tree exists and needs a repair, so that it is not a source itself.</param>
    /// <param name="bytes">Number of missing bytes, which limits the size of manifests to read.</param>
    private List<(string Tree, Manifest Manifest)> Sources(Manifest? baseManifest, Digest wanted, bool isDamaged, long bytes)
    {
        var sources = new List<(string, Manifest)>();
        if (baseManifest is not null && Directory.Exists(root.Tree(baseManifest.Digest)) && !(isDamaged && baseManifest.Digest == wanted))
            sources.Add((root.Tree(baseManifest.Digest), baseManifest));
        foreach (var digest in manifests.WithTree(Math.Max(bytes, MaxAlwaysRead))
            .Where(digest => digest != baseManifest?.Digest && digest != wanted).Take(MaxSources))
        {
            if (manifests.Find(digest) is { } manifest)
                sources.Add((root.Tree(digest), manifest));
        }
        return sources;
    }

    /// <summary>
    /// Removes entries from a prebuilt tree that the new tree does not have, and files that changed since they were verified.
    /// </summary>
    /// <param name="work">Path of the prebuilt tree.</param>
    /// <param name="baseManifest">Manifest of the prebuilt tree.</param>
    /// <param name="manifest">Manifest of the new tree.</param>
    /// <param name="synced">Receives the directories that change.</param>
    /// <returns>Entries that are missing afterwards, in canonical order.</returns>
    private IReadOnlyList<ManifestEntry> Adapt(string work, Manifest baseManifest, Manifest manifest, HashSet<string> synced,
        CancellationToken cancellationToken)
    {
        var (removed, added) = ManifestDiff.Compare(baseManifest, manifest);
        // In descending order, the content of a directory comes before the directory.
        foreach (var path in removed.Concat(added.Select(entry => entry.Path)).OrderDescending(Comparer<string>.Create(BundlePath.Compare)))
        {
            var fullPath = Path.Join(work, path);
            if (baseManifest.Find(path) is { } old)
            {
                if (old.IsDirectory)
                    Directory.Delete(fullPath);
                else
                    File.Delete(fullPath);
            }
            synced.Add(Path.GetDirectoryName(fullPath)!);
        }
        synced.RemoveWhere(directory => !Directory.Exists(directory));
        var changed = added.Select(entry => entry.Path).ToHashSet(StringComparer.Ordinal);
        var damaged = manifest.Entries.Where(entry => !entry.IsDirectory && !changed.Contains(entry.Path)
            && !verified.Has(Path.Join(work, entry.Path), entry, cancellationToken)).ToList();
        if (damaged.Count == 0)
            return added;
        foreach (var path in damaged.Select(entry => Path.Join(work, entry.Path)))
        {
            log.Error("file_changed", ("path", path), ("consequence", "The agent does not use the file, and downloads its content again."));
            File.Delete(path);
            synced.Add(Path.GetDirectoryName(path)!);
        }
        return [.. added.Concat(damaged).OrderBy(entry => entry.Path, Comparer<string>.Create(BundlePath.Compare))];
    }

    private List<ManifestEntry> MakeParents(string work, List<ManifestEntry> files)
    {
        foreach (var file in files)
            root.MakeDirectory(Path.GetDirectoryName(Path.Join(work, file.Path))!);
        return files;
    }

    /// <summary>Links all files that another tree has at an equal path.</summary>
    /// <returns>Files that are still missing.</returns>
    private List<ManifestEntry> Link(string work, List<ManifestEntry> files, List<(string Tree, Manifest Manifest)> sources,
        CancellationToken cancellationToken)
    {
        foreach (var (tree, manifest) in sources)
        {
            if (files.Count == 0)
                break;
            // Both lists are in the order of paths.
            var (remaining, index) = (new List<ManifestEntry>(), 0);
            foreach (var file in files)
            {
                while (index < manifest.Entries.Count && BundlePath.Compare(manifest.Entries[index].Path, file.Path) < 0)
                    index++;
                if (!(index < manifest.Entries.Count && manifest.Entries[index] == file
                    && TreeFiles.TryLink(Path.Join(tree, file.Path), Path.Join(work, file.Path), file, verified, cancellationToken)))
                    remaining.Add(file);
            }
            files = remaining;
        }
        return files;
    }

    /// <summary>Copies contents that another tree has at any path, to one file per content.</summary>
    /// <returns>Files that are still missing, one per content, and files that have the content of another file.</returns>
    private static (List<ManifestEntry> Missing, List<(ManifestEntry First, ManifestEntry Duplicate)> Repeated) Copy(string work,
        List<ManifestEntry> files, List<(string Tree, Manifest Manifest)> sources, CancellationToken cancellationToken)
    {
        var repeated = new List<(ManifestEntry, ManifestEntry)>();
        var firsts = new Dictionary<Digest, int>(files.Count);
        foreach (var (index, file) in files.Index())
        {
            if (!firsts.TryAdd(file.Content, index))
                repeated.Add((files[firsts[file.Content]], file));
        }
        foreach (var (tree, manifest) in sources)
        {
            if (firsts.Count == 0)
                break;
            foreach (var entry in manifest.Entries)
            {
                if (!entry.IsDirectory && firsts.TryGetValue(entry.Content, out var first)
                    && TreeFiles.TryCopy(Path.Join(tree, entry.Path), Path.Join(work, files[first].Path), files[first], cancellationToken))
                    firsts.Remove(entry.Content);
            }
        }
        return ([.. firsts.Values.Select(first => files[first])], repeated);
    }

    private async Task FetchAsync(string work, Manifest manifest, Manifest? baseManifest,
        IReadOnlyDictionary<Digest, PackLocation>? locations, List<ManifestEntry> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
            return;
        // A difference has the locations of added contents only. The complete manifest has the locations of all contents.
        if (locations is null && baseManifest?.Digest != manifest.Digest)
            (_, locations) = await fetcher.FetchManifestAsync(manifest.Digest, manifest.FileCount, baseManifest, cancellationToken);
        if (locations is null || files.Exists(file => !locations.ContainsKey(file.Content)))
            (_, locations) = await fetcher.FetchManifestAsync(manifest.Digest, manifest.FileCount, null, cancellationToken);
        await fetcher.FetchFilesAsync(files.Select(file => new WantedFile(file, locations.TryGetValue(file.Content, out var location)
            ? location
            : throw new InvalidDataException($"The server's manifest has no location for the content of '{file.Path}'."), work)),
            cancellationToken);
    }

    private void Repair(string tree, string work, IReadOnlyList<ManifestEntry> entries)
    {
        prebuiltTrees.Drop(Digest.Parse(Path.GetFileName(tree)));
        foreach (var entry in entries)
        {
            var (from, to) = (Path.Join(work, entry.Path), Path.Join(tree, entry.Path));
            if (entry.IsDirectory)
            {
                if (new FileInfo(to) is { Exists: true } or { LinkTarget: not null })
                    Removal.Remove(to);
                root.MakeDirectory(to);
            }
            else
            {
                if (Directory.Exists(to) && new DirectoryInfo(to).LinkTarget is null)
                    Removal.Remove(to);
                // Python must not take the bytecode of the damaged file for that of this one.
                File.SetLastWriteTimeUtc(from, FileTimes.After(to, File.GetLastWriteTimeUtc(from)));
                Posix.Rename(from, to);
                verified.Add(to, entry);
            }
            Posix.FsyncDirectory(Path.GetDirectoryName(to)!);
            log.Error("tree_repaired", ("path", to));
        }
    }
}
