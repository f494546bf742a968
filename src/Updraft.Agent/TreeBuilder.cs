using Updraft.Agent.Tracing;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Makes a tree complete on disk. Nothing that Airflow sees changes, and a tree that stands under its name is whole:
/// <list type="number">
/// <item>Get the manifest, as a difference to the one that is mounted, and check it against the signed state.</item>
/// <item>Find what the tree lacks: all of it, or what somebody spoiled in a tree that is already here.</item>
/// <item>Begin with the spare of what is mounted, or link what is unchanged at its path; copy, verified, what is here under another path;
/// fetch the rest.</item>
/// <item>Make it durable.</item>
/// <item>Rename it to its place.</item>
/// </list>
/// </summary>
internal sealed class TreeBuilder(AgentRoot root, LocalManifests manifests, PackFetcher fetcher, PrebuiltTrees spares, AgentLog log)
{
    /// <summary>
    /// Up to so many new files and folders are made durable one by one, each a flush of the disk; beyond it the whole file
    /// system at once, which was faster from some ten on.
    /// </summary>
    private const int MaxSingleSyncs = 16;

    /// <summary>How many earlier trees are searched for contents.</summary>
    private const int MaxSources = 8;

    /// <summary>
    /// A manifest of an earlier tree that is larger than this, and than what is missing, is not read: to fetch a small file takes less than
    /// to look for it among thousands.
    /// </summary>
    private const int AlwaysRead = 32 * 1024;

    /// <summary>Whether the tree of a mount stands under its name.</summary>
    public bool Has(DesiredMount mount) => Directory.Exists(root.Tree(Digest.Parse(mount.Manifest)));

    /// <summary>
    /// Makes the tree of a mount complete, starting from the manifest of what is mounted there now (null for nothing).
    /// Thorough means to read every file of a tree that is already here, instead of looking at sizes.
    /// </summary>
    /// <exception cref="InvalidDataException">What came is not what was signed.</exception>
    public async Task EnsureAsync(DesiredMount mount, Digest? mounted, bool thorough, CancellationToken cancellationToken)
    {
        // :: Step 1
        var digest = Digest.Parse(mount.Manifest);
        var basis = mounted is { } active ? manifests.Find(active) : null;
        var (manifest, locations) = await FindManifestAsync(mount, digest, basis, cancellationToken);
        // :: Step 2
        var tree = root.Tree(digest);
        var exists = Directory.Exists(tree);
        var lacking = exists
            ? manifest.Entries.Where(entry => !IsIntact(tree, entry, thorough, cancellationToken)).ToList()
            : manifest.Entries;
        if (exists && lacking.Count == 0)
            return;
        // :: Step 3
        using var span = AgentSpans.Begin("build")?.SetTag("updraft.mount", mount.Path).SetTag("updraft.files", lacking.Count);
        var work = tree + AgentRoot.PartialSuffix;
        if (Directory.Exists(work))
            AgentRoot.Remove(work);
        try
        {
            var synced = new HashSet<string>(StringComparer.Ordinal) { work };
            if (!exists && basis is not null && spares.TryTake(basis.Digest, work))
                lacking = Adapt(work, basis, manifest, synced);
            else
                AgentRoot.MakeDirectory(work);
            foreach (var folder in lacking.Where(entry => entry.IsFolder).Select(entry => Path.Join(work, entry.Path)))
            {
                AgentRoot.MakeDirectory(folder);
                synced.Add(folder);
            }
            var files = lacking.Where(entry => !entry.IsFolder).ToList();
            var sources = Sources(basis, digest, spoiled: exists, files.Sum(file => file.Size));
            // A spoiled file may have other names, so nothing is linked into a tree that is being repaired.
            var fresh = exists ? MakeParents(work, files) : Link(work, files, sources);
            var (missing, repeated) = Copy(work, fresh, sources, cancellationToken);
            using (AgentSpans.Begin("fetch")?.SetTag("updraft.mount", mount.Path).SetTag("updraft.files", missing.Count))
                await FetchAsync(work, manifest, basis, locations, missing, cancellationToken);
            foreach (var (first, again) in repeated)
            {
                if (!TreeFiles.TryCopy(Path.Join(work, first.Path), Path.Join(work, again.Path), again, cancellationToken))
                    throw new IOException($"'{first.Path}' changed while it was copied.");
            }
            // :: Step 4
            Sync(work, fresh, synced);
            // :: Step 5
            if (exists)
                Repair(tree, work, lacking);
            else
                Posix.Rename(work, tree);
            Posix.FsyncDirectory(root.Trees);
        }
        finally
        {
            if (Directory.Exists(work))
                AgentRoot.Remove(work);
        }
        manifests.Touch(digest);
    }

    /// <summary>
    /// Logs what a mounted tree holds and its manifest does not name, but for Python's caches. It stays: a task may have
    /// written it.
    /// </summary>
    public void ReportUnmanagedFiles(DesiredMount mount)
    {
        if (manifests.Find(Digest.Parse(mount.Manifest)) is not { } manifest)
            return;
        var tree = root.Tree(manifest.Digest);
        var known = manifest.Entries.Select(entry => entry.Path).ToHashSet(StringComparer.Ordinal);
        var everything = new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = FileAttributes.None };
        var strangers = Directory.EnumerateFileSystemEntries(tree, "*", everything).Select(path => Path.GetRelativePath(tree, path))
            .Where(path => !known.Contains(path) && !path.Split('/').Contains("__pycache__")).ToList();
        if (strangers.Count > 0)
            log.Warning("tree_has_strangers", ("mount", mount.Path), ("count", strangers.Count), ("first", strangers[0]));
    }

    private async Task<(Manifest, IReadOnlyDictionary<Digest, PackLocation>?)> FindManifestAsync(
        DesiredMount mount, Digest digest, Manifest? basis, CancellationToken cancellationToken)
    {
        var (manifest, locations) = (manifests.Find(digest), (IReadOnlyDictionary<Digest, PackLocation>?)null);
        var isNew = manifest is null;
        if (manifest is null)
            (manifest, locations) = await fetcher.FetchManifestAsync(digest, mount.Files, basis, cancellationToken);
        if (manifest.FileCount != mount.Files || manifest.TotalBytes != mount.Bytes)
            throw new InvalidDataException($"The manifest of '{mount.Path}' has {manifest.FileCount} files and "
                + $"{manifest.TotalBytes} bytes, the state says {mount.Files} and {mount.Bytes}.");
        if (mount.Subfolder is { } folder && !manifest.Entries.Any(entry => entry.IsFolder && entry.Path == folder))
            throw new InvalidDataException($"The tree of '{mount.Path}' has no folder '{folder}' to be mounted.");
        if (isNew)
            manifests.Save(manifest);
        return (manifest, locations);
    }

    private static bool IsIntact(string tree, ManifestEntry entry, bool thorough, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var path = Path.Join(tree, entry.Path);
        if (entry.IsFolder)
            return Directory.Exists(path) && new DirectoryInfo(path).LinkTarget is null;
        return thorough ? TreeFiles.HasContent(path, entry, cancellationToken) : TreeFiles.Looks(path, entry);
    }

    /// <summary>Where contents may be found: the tree that is mounted, and earlier ones.</summary>
    /// <param name="basis">The manifest of what is mounted.</param>
    /// <param name="wanted">The tree that is made.</param>
    /// <param name="spoiled">Whether it stands there already and is to be repaired.</param>
    /// <param name="bytes">How much is looked for at most.</param>
    private List<(string Tree, Manifest Manifest)> Sources(Manifest? basis, Digest wanted, bool spoiled, long bytes)
    {
        var sources = new List<(string, Manifest)>();
        if (basis is not null && Directory.Exists(root.Tree(basis.Digest)) && !(spoiled && basis.Digest == wanted))
            sources.Add((root.Tree(basis.Digest), basis));
        foreach (var digest in manifests.WithTree(Math.Max(bytes, AlwaysRead)).Where(digest => digest != basis?.Digest && digest != wanted).Take(MaxSources))
        {
            if (manifests.Find(digest) is { } manifest)
                sources.Add((root.Tree(digest), manifest));
        }
        return sources;
    }

    /// <summary>Takes out of a spare what the wanted tree does not have.</summary>
    /// <param name="work">The spare.</param>
    /// <param name="basis">What it holds.</param>
    /// <param name="manifest">What it is to hold.</param>
    /// <param name="synced">Gets the folders in which something changes.</param>
    /// <returns>What it lacks then, in order.</returns>
    private static IReadOnlyList<ManifestEntry> Adapt(string work, Manifest basis, Manifest manifest, HashSet<string> synced)
    {
        var (removed, added) = ManifestDiff.Compare(basis, manifest);
        // From the inside out: a folder comes after everything in it.
        foreach (var path in removed.Concat(added.Select(entry => entry.Path)).OrderDescending(Comparer<string>.Create(BundlePath.Compare)))
        {
            var place = Path.Join(work, path);
            if (basis.Find(path) is { } old)
            {
                if (old.IsFolder)
                    Directory.Delete(place);
                else
                    File.Delete(place);
            }
            synced.Add(Path.GetDirectoryName(place)!);
        }
        synced.RemoveWhere(folder => !Directory.Exists(folder));
        return added;
    }

    private static List<ManifestEntry> MakeParents(string work, List<ManifestEntry> files)
    {
        foreach (var file in files)
            AgentRoot.MakeDirectory(Path.GetDirectoryName(Path.Join(work, file.Path))!);
        return files;
    }

    /// <summary>Links every file that another tree has at the same path.</summary>
    /// <returns>The files that remain.</returns>
    private static List<ManifestEntry> Link(string work, List<ManifestEntry> files, List<(string Tree, Manifest Manifest)> sources)
    {
        foreach (var (tree, manifest) in sources)
        {
            if (files.Count == 0)
                break;
            // Both are in the order of paths.
            var (remaining, place) = (new List<ManifestEntry>(), 0);
            foreach (var file in files)
            {
                while (place < manifest.Entries.Count && BundlePath.Compare(manifest.Entries[place].Path, file.Path) < 0)
                    place++;
                if (!(place < manifest.Entries.Count && manifest.Entries[place] == file
                    && TreeFiles.TryLink(Path.Join(tree, file.Path), Path.Join(work, file.Path), file)))
                    remaining.Add(file);
            }
            files = remaining;
        }
        return files;
    }

    /// <summary>Copies every content that another tree has somewhere; one file per content.</summary>
    /// <returns>The files that are still missing, one per content; and those that repeat the content of another file.</returns>
    private static (List<ManifestEntry> Missing, List<(ManifestEntry First, ManifestEntry Again)> Repeated) Copy(string work,
        List<ManifestEntry> files, List<(string Tree, Manifest Manifest)> sources, CancellationToken cancellationToken)
    {
        var repeated = new List<(ManifestEntry, ManifestEntry)>();
        var firsts = new Dictionary<Digest, ManifestEntry>();
        foreach (var file in files)
        {
            if (!firsts.TryAdd(file.Content, file))
                repeated.Add((firsts[file.Content], file));
        }
        foreach (var (tree, manifest) in sources)
        {
            if (firsts.Count == 0)
                break;
            foreach (var entry in manifest.Entries)
            {
                if (!entry.IsFolder && firsts.TryGetValue(entry.Content, out var file)
                    && TreeFiles.TryCopy(Path.Join(tree, entry.Path), Path.Join(work, file.Path), file, cancellationToken))
                    firsts.Remove(entry.Content);
            }
        }
        return ([.. firsts.Values], repeated);
    }

    private async Task FetchAsync(string work, Manifest manifest, Manifest? basis, IReadOnlyDictionary<Digest, PackLocation>? locations,
        List<ManifestEntry> files, CancellationToken cancellationToken)
    {
        if (files.Count == 0)
            return;
        // The difference names places for what it adds. What is missing beyond that stands in the full manifest only.
        if (locations is null && basis?.Digest != manifest.Digest)
            (_, locations) = await fetcher.FetchManifestAsync(manifest.Digest, manifest.FileCount, basis, cancellationToken);
        if (locations is null || files.Exists(file => !locations.ContainsKey(file.Content)))
            (_, locations) = await fetcher.FetchManifestAsync(manifest.Digest, manifest.FileCount, null, cancellationToken);
        await fetcher.FetchFilesAsync(files.Select(file => new WantedFile(file, locations.TryGetValue(file.Content, out var place)
            ? place
            : throw new InvalidDataException($"The server names no place for the content of '{file.Path}'."), Path.Join(work, file.Path))),
            cancellationToken);
    }

    private static void Sync(string work, List<ManifestEntry> files, HashSet<string> folders)
    {
        if (files.Count + folders.Count > MaxSingleSyncs)
        {
            Posix.SyncFileSystem(work);
            return;
        }
        foreach (var path in files.Select(entry => Path.Join(work, entry.Path)))
        {
            using var file = Posix.OpenNoFollow(path);
            Posix.Fsync(file, path);
        }
        foreach (var folder in folders)
            Posix.FsyncDirectory(folder);
    }

    private void Repair(string tree, string work, IReadOnlyList<ManifestEntry> entries)
    {
        spares.Drop(Digest.Parse(Path.GetFileName(tree)));
        foreach (var entry in entries)
        {
            var (from, to) = (Path.Join(work, entry.Path), Path.Join(tree, entry.Path));
            if (entry.IsFolder)
            {
                if (new FileInfo(to) is { Exists: true } or { LinkTarget: not null })
                    AgentRoot.Remove(to);
                AgentRoot.MakeDirectory(to);
            }
            else
            {
                if (Directory.Exists(to) && new DirectoryInfo(to).LinkTarget is null)
                    AgentRoot.Remove(to);
                Posix.Rename(from, to);
            }
            Posix.FsyncDirectory(Path.GetDirectoryName(to)!);
            log.Error("tree_repaired", ("path", to));
        }
    }
}
