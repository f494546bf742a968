using System.Buffers;

namespace Updraft.Server.Storage;

/// <summary>
/// What a blob may be called, the same in every store: components of <c>[a-z0-9._-]</c> that do not begin or end with a dot, at most 200
/// characters each and 512 together, separated by <c>/</c>. Nothing is below <c>tmp</c>, where the folder has its blobs in the making.
/// </summary>
internal static class BlobKey
{
    public const string TemporaryFolder = "tmp";

    // Object stores take 1,024 bytes; the rest is for a prefix.
    private const int MaxLength = 512, MaxComponentLength = 200;

    private static readonly SearchValues<char> Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-/");

    /// <summary>Gives the key back.</summary>
    /// <exception cref="ArgumentException">It cannot be one.</exception>
    public static string Check(string key)
    {
        var valid = key.Length is > 0 and <= MaxLength && !key.AsSpan().ContainsAnyExcept(Characters) && !IsBelow(key, TemporaryFolder);
        foreach (var component in key.AsSpan().Split('/'))
            valid &= key.AsSpan()[component] is { Length: > 0 and <= MaxComponentLength } and not ['.', ..] and not [.., '.'];
        return valid ? key : throw new ArgumentException($"'{key}' cannot be the key of a blob.", nameof(key));
    }

    /// <summary>Checks a prefix, which is a key and a slash.</summary>
    /// <exception cref="ArgumentException">It cannot be one.</exception>
    public static string CheckPrefix(string prefix)
    {
        if (!prefix.EndsWith('/'))
            throw new ArgumentException($"The prefix '{prefix}' does not end in a slash.", nameof(prefix));
        Check(prefix[..^1]);
        return prefix;
    }

    private static bool IsBelow(string key, string folder) =>
        key.StartsWith(folder, StringComparison.Ordinal) && (key.Length == folder.Length || key[folder.Length] == '/');
}
