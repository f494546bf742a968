using System.Text;
using Updraft.Protocol;

namespace Updraft.Server.Archives;

/// <summary>
/// Finds names that differ only in case or in the encoding of accents. Linux keeps them apart, but macOS and Windows do not: there, a
/// checkout of the files has only one of them.
/// </summary>
internal static class SimilarNames
{
    /// <summary>The pairs of similar names. Paths below two similar directories are no further pairs.</summary>
    public static PathSample Find(Manifest manifest)
    {
        var pairs = new PathSample();
        var known = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var entry in manifest.Entries)
        {
            var path = entry.Path;
            // Two similar names differ in a character, which is upper-case or not ASCII in one of them.
            if (!path.AsSpan().ContainsAnyInRange('A', 'Z') && Ascii.IsValid(path))
                continue;
            var folded = Fold(path);
            var other = folded != path && manifest.Find(folded) is not null ? folded
                : known.TryAdd(folded, path) ? null : known[folded];
            if (other is not null && BundlePath.Parent(path) == BundlePath.Parent(other))
                pairs.Add($"{path} and {other}");
        }
        return pairs;
    }

    private static string Fold(string path)
    {
        try
        {
            return path.Normalize(NormalizationForm.FormC).ToLowerInvariant();
        }
        catch (ArgumentException)
        {
            // The platform does not normalize noncharacters such as U+FFFE.
            return path.ToLowerInvariant();
        }
    }
}
