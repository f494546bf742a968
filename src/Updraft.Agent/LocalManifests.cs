using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// The manifests on disk. A manifest's modification time says when its tree was last prepared or left, which is what
/// <see cref="TreeRetention"/> goes by.
/// </summary>
internal sealed class LocalManifests(AgentRoot root, AgentLog log, TimeProvider clock)
{
    /// <summary>Reads a manifest; null when it is not here. A damaged one is removed, to be fetched again.</summary>
    public Manifest? Find(Digest digest)
    {
        var path = root.Manifest(digest);
        if (!File.Exists(path))
            return null;
        try
        {
            if (Manifest.Parse(File.ReadAllBytes(path)) is var manifest && manifest.Digest == digest)
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

    public void Save(Manifest manifest)
    {
        AtomicFile.Write(root.Manifest(manifest.Digest), manifest.ToBytes(), AgentRoot.FileMode);
        Touch(manifest.Digest);
    }

    /// <summary>Notes that the tree was in use until now.</summary>
    public void Touch(Digest digest)
    {
        if (File.Exists(root.Manifest(digest)))
            File.SetLastWriteTimeUtc(root.Manifest(digest), clock.GetUtcNow().UtcDateTime);
    }

    /// <summary>The manifests whose trees are here, most recently used first.</summary>
    public IEnumerable<Digest> WithTree() => new DirectoryInfo(root.Manifests).EnumerateFiles()
        .OrderByDescending(file => file.LastWriteTimeUtc)
        .Select(file => Digest.TryParse(file.Name, out var digest) ? digest : (Digest?)null)
        .OfType<Digest>()
        .Where(digest => Directory.Exists(root.Tree(digest)));
}
