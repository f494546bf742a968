using System.Buffers;

namespace Updraft.Server.Storage;

/// <summary>
/// The rule for keys of blobs, the same for every store. A key has components of <c>[a-z0-9._-]</c>, separated by <c>/</c>. A component
/// does not begin or end with a dot, and has at most 200 characters; a key has at most 512. The first component is not <c>tmp</c>,
/// because the file system store writes temporary files there.
/// </summary>
internal static class BlobKey
{
    public const string TemporaryDirectory = "tmp";

    // Object stores accept 1,024 bytes; the rest is for a prefix.
    private const int MaxLength = 512, MaxComponentLength = 200;

    private static readonly SearchValues<char> Characters = SearchValues.Create("abcdefghijklmnopqrstuvwxyz0123456789._-/");

    /// <summary>Checks a key, and returns it.</summary>
    /// <exception cref="ArgumentException">The key breaks the rule.</exception>
    public static string Check(string key)
    {
        var valid = key.Length is > 0 and <= MaxLength && !key.AsSpan().ContainsAnyExcept(Characters) && !IsBelow(key, TemporaryDirectory);
        foreach (var component in key.AsSpan().Split('/'))
            valid &= key.AsSpan()[component] is { Length: > 0 and <= MaxComponentLength } and not ['.', ..] and not [.., '.'];
        return valid ? key : throw new ArgumentException($"'{key}' is not a valid key of a blob.", nameof(key));
    }

    /// <summary>Checks a prefix, which is a key and a slash, and returns it.</summary>
    /// <exception cref="ArgumentException">The prefix breaks the rule.</exception>
    public static string CheckPrefix(string prefix)
    {
        if (!prefix.EndsWith('/'))
            throw new ArgumentException($"The prefix '{prefix}' does not end in a slash.", nameof(prefix));
        Check(prefix[..^1]);
        return prefix;
    }

    private static bool IsBelow(string key, string directory) =>
        key.StartsWith(directory, StringComparison.Ordinal) && (key.Length == directory.Length || key[directory.Length] == '/');
}
