using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The manifests on disk. The modification time of a manifest is the time at which its tree was last prepared or left, from which
/// <see cref="TreeRetention"/> decides.
/// </summary>
internal sealed class LocalManifests(AgentRoot root, AgentLog log, TimeProvider clock)
{
    /// <summary>Manifests that a deploy reads several times. Weak references let the runtime free them afterwards.</summary>
    private readonly Dictionary<Digest, WeakReference<Manifest>> _recent = [];

    /// <summary>
    /// Reads a manifest; null if it is not on disk. A damaged manifest is removed, so that the agent downloads it again.
    /// </summary>
    public Manifest? Find(Digest digest)
    {
        if (_recent.TryGetValue(digest, out var reference) && reference.TryGetTarget(out var recent))
            return recent;
        if (Read(digest) is not { } manifest)
            return null;
        Remember(manifest);
        return manifest;
    }

    public void Save(Manifest manifest)
    {
        AtomicFile.Write(root.Manifest(manifest.Digest), manifest.ToBytes(), AgentRoot.FileMode);
        Touch(manifest.Digest);
        Remember(manifest);
    }

    /// <summary>Records that the tree of a manifest was in use until now.</summary>
    public void Touch(Digest digest)
    {
        if (File.Exists(root.Manifest(digest)))
            root.SetTime(root.Manifest(digest), clock.GetUtcNow().UtcDateTime);
    }

    /// <summary>Manifests of at most a given size whose trees are on disk, most recently used first.</summary>
    public IEnumerable<Digest> WithTree(long maxBytes) => new DirectoryInfo(root.Manifests).EnumerateFiles()
        .Where(file => file.Length <= maxBytes)
        .OrderByDescending(file => file.LastWriteTimeUtc)
        .Select(file => Digest.TryParse(file.Name, out var digest) ? digest : (Digest?)null)
        .OfType<Digest>()
        .Where(digest => Directory.Exists(root.Tree(digest)));

    private Manifest? Read(Digest digest)
    {
        var path = root.Manifest(digest);
        if (!File.Exists(path))
            return null;
        try
        {
            // The agent stores valid manifests only, so the digest is a sufficient test.
            if (Manifest.ParseKnown(File.ReadAllBytes(path), digest) is { } manifest)
                return manifest;
            log.Error("manifest_damaged", ("path", path), ("reason", "The content does not have the digest in its file name."));
        }
        catch (InvalidDataException exception)
        {
            log.Error("manifest_damaged", ("path", path), ("reason", exception.Message));
        }
        File.Delete(path);
        return null;
    }

    private void Remember(Manifest manifest)
    {
        foreach (var (digest, reference) in _recent)
        {
            if (!reference.TryGetTarget(out _))
                _recent.Remove(digest);
        }
        _recent[manifest.Digest] = new WeakReference<Manifest>(manifest);
    }
}
