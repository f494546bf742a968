using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Database;
using Updraft.Server.Storage;

namespace Updraft.Server.Bundles;

/// <summary>A problem that a scrub found.</summary>
/// <param name="DeploymentId">The Deployment of the blob.</param>
/// <param name="Version">A bundle version that needs the blob; null if no version names it.</param>
/// <param name="Blob">Key of the manifest or pack.</param>
/// <param name="Path">The affected file of the bundle; null if the problem affects the whole blob.</param>
/// <param name="Problem">The problem, as a sentence.</param>
internal sealed record ScrubDamage(string DeploymentId, string? Version, string? Blob, string? Path, string Problem);

/// <summary>Numbers of the objects, and of the bytes, that a scrub has read.</summary>
internal sealed record ScrubCount(int Deployments, int Versions, int Manifests, int Packs, long Contents, long Bytes);

/// <summary>
/// Reads every blob that the database names and compares it with its digest: manifests, indexes of packs, and contents. It also checks that
/// the content of every file of every version is in a pack. It changes nothing, so it may run while the server runs. Memory depends on the
/// number of contents of one Deployment, not on their sizes.
/// </summary>
internal sealed class ScrubBundles(UpdraftDbContext db, IBlobStore store, Action<ScrubDamage> report, Action<ScrubCount> progress)
{
    /// <summary>Most bytes of a manifest. A million entries with the longest paths need half of it.</summary>
    private const long MaxManifestBytes = int.MaxValue / 2;

    private ScrubCount _count = new(0, 0, 0, 0, 0, 0);

    public async Task<ScrubCount> RunAsync(CancellationToken cancellationToken)
    {
        var deployments = await db.BundleVersions.AsNoTracking().Select(row => row.DeploymentId).Distinct().ToListAsync(cancellationToken);
        foreach (var deployment in deployments)
        {
            // Versions before contents: the rows of a version's contents are committed with the row of the version.
            var versions = await db.BundleVersions.AsNoTracking().Where(row => row.DeploymentId == deployment)
                .OrderBy(row => row.Version).ToListAsync(cancellationToken);
            var rows = await db.BundleContents.AsNoTracking().Where(row => row.DeploymentId == deployment).ToListAsync(cancellationToken);
            var intact = await CheckPacksAsync(deployment, versions, rows, cancellationToken);
            var packs = rows.ToDictionary(row => row.Content, row => row.PackId);
            foreach (var group in versions.GroupBy(version => version.ManifestDigest))
                await CheckManifestAsync(deployment, group.Key, [.. group.Select(version => version.Version)], intact, packs,
                    cancellationToken);
            _count = _count with { Deployments = _count.Deployments + 1, Versions = _count.Versions + versions.Count };
            progress(_count);
        }
        return _count;
    }

    private static bool IsDamage(Exception exception) =>
        exception is IOException or InvalidDataException or UnauthorizedAccessException or ArgumentException or OverflowException;

    /// <summary>Reads every pack. Returns the intact contents that are at the location in the database, with their sizes.</summary>
    private async Task<Dictionary<Digest, long>> CheckPacksAsync(DeploymentId deployment, List<BundleVersion> versions,
        List<BundleContent> rows, CancellationToken cancellationToken)
    {
        var intact = new Dictionary<Digest, long>(rows.Count);
        var byPack = rows.ToLookup(row => row.PackId, StringComparer.Ordinal);
        foreach (var packId in versions.Select(version => version.PackId).OfType<string>()
            .Union(byPack.Select(group => group.Key), StringComparer.Ordinal))
        {
            var blob = BundleBlobs.Pack(deployment, packId);
            var version = versions.FirstOrDefault(row => row.PackId == packId)?.Version;
            void Report(string problem) => report(new ScrubDamage(deployment.Value, version, blob, null, problem));
            try
            {
                await using var pack = await store.OpenAsync(blob, cancellationToken);
                var verified = CheckContents(pack, Report, cancellationToken);
                foreach (var row in byPack[packId])
                {
                    if (!verified.TryGetValue(row.Content, out var found))
                        Report($"The content {row.Content} is missing in the pack, or damaged.");
                    else if (found.Offset != row.Offset || found.Length != row.Length)
                        Report($"The content {row.Content} is at another location in the pack than in the database.");
                    else
                        intact.Add(row.Content, found.Size);
                }
            }
            catch (Exception exception) when (IsDamage(exception))
            {
                Report($"The pack cannot be read: {exception.Message}");
            }
            _count = _count with { Packs = _count.Packs + 1 };
            progress(_count);
        }
        return intact;
    }

    private Dictionary<Digest, PackEntry> CheckContents(Stream pack, Action<string> report, CancellationToken cancellationToken)
    {
        var verified = new Dictionary<Digest, PackEntry>();
        foreach (var entry in PackReader.ReadIndex(pack))
        {
            cancellationToken.ThrowIfCancellationRequested();
            try
            {
                using var frame = new PackFrame(pack, entry.Offset, entry.Length, leaveOpen: true);
                PackReader.CopyVerified(frame, entry.Size, entry.Content, Stream.Null);
                verified[entry.Content] = entry;
            }
            catch (Exception exception) when (IsDamage(exception))
            {
                report($"The content {entry.Content} at byte {entry.Offset} is damaged: {exception.Message}");
            }
            _count = _count with { Contents = _count.Contents + 1, Bytes = _count.Bytes + entry.Length };
            progress(_count);
        }
        return verified;
    }

    private async Task CheckManifestAsync(DeploymentId deployment, Digest digest, string[] versions, Dictionary<Digest, long> intact,
        Dictionary<Digest, string> packs, CancellationToken cancellationToken)
    {
        var blob = BundleBlobs.Manifest(deployment, digest);
        void Report(string? path, string problem)
        {
            foreach (var version in versions)
                report(new ScrubDamage(deployment.Value, version, blob, path, problem));
        }
        try
        {
            foreach (var entry in (await ReadAsync(blob, digest, cancellationToken)).Entries)
            {
                if (entry.IsDirectory)
                    continue;
                if (!packs.TryGetValue(entry.Content, out var packId))
                    Report(entry.Path, $"The database has no pack for its content {entry.Content}.");
                else if (!intact.TryGetValue(entry.Content, out var size))
                    Report(entry.Path, $"Its content {entry.Content} cannot be read from {BundleBlobs.Pack(deployment, packId)}.");
                else if (size != entry.Size)
                    Report(entry.Path, $"It has {entry.Size} bytes in the manifest and {size} in the pack.");
            }
        }
        catch (Exception exception) when (IsDamage(exception))
        {
            Report(null, $"The manifest cannot be read: {exception.Message}");
        }
        _count = _count with { Manifests = _count.Manifests + 1 };
        progress(_count);
    }

    private async Task<Manifest> ReadAsync(string blob, Digest digest, CancellationToken cancellationToken)
    {
        await using var stream = await store.OpenAsync(blob, cancellationToken);
        if (stream.Length > MaxManifestBytes)
            throw new InvalidDataException($"It has {stream.Length} bytes; at most {MaxManifestBytes} are possible.");
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes, cancellationToken);
        _count = _count with { Bytes = _count.Bytes + bytes.Length };
        return Digest.Of(bytes) == digest ? Manifest.Parse(bytes) : throw new InvalidDataException("Its bytes do not match its digest.");
    }
}
