using System.Collections;
using Updraft.Protocol;

namespace Updraft.Server.Deploys.Compare;

/// <summary>
/// The files that differ between two versions of a bundle, by path. Each enumeration compares again, entry by entry, so the memory does
/// not depend on the number of files.
/// </summary>
public sealed class FileChangeCollection : IReadOnlyCollection<FileChange>
{
    private readonly IEnumerable<ManifestEntry> _before;
    private readonly IEnumerable<ManifestEntry> _after;
    private readonly CancellationToken _cancellationToken;
    private readonly int[] _counts = new int[Enum.GetValues<FileChangeKind>().Length];

    /// <summary>Compares two lists, and counts the changes.</summary>
    /// <param name="before">Entries of the old manifest, in canonical order. The enumerable can be enumerated again.</param>
    /// <param name="after">Entries of the new manifest.</param>
    internal FileChangeCollection(IEnumerable<ManifestEntry> before, IEnumerable<ManifestEntry> after, CancellationToken cancellationToken)
    {
        (_before, _after, _cancellationToken) = (before, after, cancellationToken);
        foreach (var change in this)
            _counts[(int)change.Kind]++;
    }

    /// <summary>Number of files that differ.</summary>
    public int Count => _counts.Sum();

    /// <summary>Number of files with one kind of change.</summary>
    public int CountOf(FileChangeKind kind) => _counts[(int)kind];

    public IEnumerator<FileChange> GetEnumerator()
    {
        using var before = _before.Where(entry => !entry.IsDirectory).GetEnumerator();
        using var after = _after.Where(entry => !entry.IsDirectory).GetEnumerator();
        var (hasBefore, hasAfter) = (before.MoveNext(), after.MoveNext());
        while (hasBefore || hasAfter)
        {
            _cancellationToken.ThrowIfCancellationRequested();
            var order = !hasBefore ? 1 : !hasAfter ? -1 : BundlePath.Compare(before.Current.Path, after.Current.Path);
            if (order < 0)
                yield return new(before.Current.Path, FileChangeKind.Removed, before.Current, null);
            else if (order > 0)
                yield return new(after.Current.Path, FileChangeKind.Added, null, after.Current);
            else if (before.Current != after.Current)
                yield return new(after.Current.Path, FileChangeKind.Changed, before.Current, after.Current);
            (hasBefore, hasAfter) = (order <= 0 ? before.MoveNext() : hasBefore, order >= 0 ? after.MoveNext() : hasAfter);
        }
    }

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}
