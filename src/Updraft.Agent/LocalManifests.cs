using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The manifests on disk. A manifest's modification time says when its tree was last prepared or left, which is what
/// <see cref="TreeRetention"/> goes by.
/// </summary>
internal sealed class LocalManifests(AgentRoot root, AgentLog log, TimeProvider clock)
{
    /// <summary>Manifests that a deploy reads several times; nothing of them stays in memory afterwards.</summary>
    private readonly Dictionary<Digest, WeakReference<Manifest>> _recent = [];

    /// <summary>Reads a manifest; null when it is not here. A damaged one is removed, to be fetched again.</summary>
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

    /// <summary>Notes that the tree was in use until now.</summary>
    public void Touch(Digest digest)
    {
        if (File.Exists(root.Manifest(digest)))
            File.SetLastWriteTimeUtc(root.Manifest(digest), clock.GetUtcNow().UtcDateTime);
    }

    /// <summary>The manifests of up to so many bytes whose trees are here, most recently used first.</summary>
    public IEnumerable<Digest> WithTree(long mostBytes) => new DirectoryInfo(root.Manifests).EnumerateFiles()
        .Where(file => file.Length <= mostBytes)
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
            // Nothing is saved that was not checked.
            if (Manifest.ParseKnown(File.ReadAllBytes(path), digest) is { } manifest)
                return manifest;
            log.Error("manifest_damaged", ("path", path), ("reason", "its digest is another one"));
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
