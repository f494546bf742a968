using System.Buffers;
using System.Text;

namespace Updraft.Protocol;

/// <summary>
/// The rule for paths inside a bundle: relative, <c>/</c> between components, no <c>.</c> or <c>..</c>, no backslash,
/// no control or text-direction characters. A valid path cannot leave the directory to which it is joined.
/// </summary>
public static class BundlePath
{
    /// <summary>Longest path that any Updraft program accepts, in bytes of UTF-8.</summary>
    public const int MaxBytes = 4096;

    /// <summary>Longest single component, in bytes of UTF-8 (NAME_MAX on Linux).</summary>
    public const int MaxComponentBytes = 255;

    /// <summary>Most components that any Updraft program accepts.</summary>
    public const int MaxDepth = 1024;

    private static readonly SearchValues<char> Forbidden = SearchValues.Create(
        Enumerable.Range(0, 0x20).Concat(Enumerable.Range(0x7f, 0x21))
            .Concat(Enumerable.Range(0x202a, 5)).Concat(Enumerable.Range(0x2066, 4))
            .Append('\\').Select(c => (char)c).ToArray());

    /// <summary>Reason why a path is invalid, as the end of a sentence; null if the path is valid.</summary>
    public static string? Problem(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        if (path.Length == 0)
            return "is empty";
        if (path[0] == '/')
            return "is absolute; paths are relative to the bundle";
        var bad = path.AsSpan().IndexOfAny(Forbidden);
        if (bad >= 0)
            return path[bad] == '\\' ? "contains a backslash" : $"contains the control character U+{(int)path[bad]:X4}";
        if (path.Length >= 2 && path[1] == ':' && char.IsAsciiLetter(path[0]))
            return "begins with a drive letter";
        if (!IsWellFormed(path))
            return "is not valid Unicode";
        if (Encoding.UTF8.GetByteCount(path) > MaxBytes)
            return $"is longer than {MaxBytes} bytes";
        var depth = 0;
        foreach (var range in path.AsSpan().Split('/'))
        {
            var component = path.AsSpan()[range];
            if (component.IsEmpty)
                return "has an empty component (// or a / at its end)";
            if (component is ".." or ".")
                return $"has the component '{component}'";
            if (Encoding.UTF8.GetByteCount(component) > MaxComponentBytes)
                return $"has a component of more than {MaxComponentBytes} bytes";
            if (++depth > MaxDepth)
                return $"is deeper than {MaxDepth} components";
        }
        return null;
    }

    /// <summary>Directory that contains a path; null at the top.</summary>
    public static string? Parent(string path)
    {
        ArgumentNullException.ThrowIfNull(path);
        var slash = path.LastIndexOf('/');
        return slash < 0 ? null : path[..slash];
    }

    /// <summary>Compares in the order of a manifest: by the bytes of UTF-8, which is the order of code points.</summary>
    public static int Compare(string left, string right)
    {
        ArgumentNullException.ThrowIfNull(left);
        ArgumentNullException.ThrowIfNull(right);
        var same = left.AsSpan().CommonPrefixLength(right);
        if (same == left.Length || same == right.Length)
            return left.Length.CompareTo(right.Length);
        var (one, other) = (left[same], right[same]);
        // UTF-16 sorts surrogate pairs before U+E000..U+FFFF, and UTF-8 sorts them after.
        var (isSurrogate, isOtherSurrogate) = (char.IsSurrogate(one), char.IsSurrogate(other));
        return isSurrogate == isOtherSurrogate ? one.CompareTo(other)
            : isSurrogate ? (other >= 0xE000 ? 1 : one.CompareTo(other)) : (one >= 0xE000 ? -1 : one.CompareTo(other));
    }

    private static bool IsWellFormed(string path)
    {
        for (var i = 0; i < path.Length; i++)
        {
            if (!char.IsSurrogate(path[i]))
                continue;
            if (i + 1 >= path.Length || !char.IsSurrogatePair(path[i], path[i + 1]))
                return false;
            i++;
        }
        return true;
    }
}
