using System.Text;
using Updraft.Protocol;

namespace Updraft.Server.Archives;

/// <summary>Why an archive cannot have a path.</summary>
/// <param name="Text">The rest of a sentence whose subject is the entry, without the period.</param>
/// <param name="Limit">The setting that the path exceeds; null for other reasons.</param>
internal readonly record struct PathProblem(string Text, string? Limit = null);

/// <summary>The rule for names in archives: <see cref="BundlePath"/> and the limits of <see cref="ArchiveOptions"/>.</summary>
internal static class ArchivePath
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Decodes a name.</summary>
    /// <exception cref="Api.ApiException">400: the name is not valid UTF-8, or contains a NUL.</exception>
    public static string Decode(ReadOnlySpan<byte> name)
    {
        if (name.Contains((byte)0))
            throw BadArchive.Entry(BadArchive.Describe(name), "has a NUL inside its name");
        try
        {
            return Strict.GetString(name);
        }
        catch (DecoderFallbackException)
        {
            throw BadArchive.Entry(BadArchive.Describe(name), "has a name that is not valid UTF-8");
        }
    }

    /// <summary>
    /// Converts a name to the form of a manifest: without empty components, without <c>.</c>, and without the slash at the end of a
    /// directory. Empty for the root of the archive, which tools call <c>.</c>, <c>./</c>, <c>/</c> or nothing.
    /// </summary>
    /// <exception cref="Api.ApiException">400: a manifest cannot have the name, or the name is too long or too deep.</exception>
    public static string Normalize(string name, TarEntryKind kind, ArchiveOptions limits)
    {
        var path = Simplify(name);
        if (path.Length == 0)
        {
            return kind == TarEntryKind.Directory ? "" : throw BadArchive.Entry(name, name.Length == 0
                ? "is empty; only the root directory of an archive needs no name"
                : "is the root of the archive by its name, but is not a directory");
        }
        if (name[0] == '/')
            throw BadArchive.Entry(name, "is absolute; paths are relative to the bundle");
        if (FindProblem(path, limits) is { } problem)
            throw BadArchive.Entry(name, problem.Text, limit: problem.Limit);
        // All programs remove a slash at the end of a link's name. They disagree on a file with such a name.
        if (name.EndsWith("/.", StringComparison.Ordinal) ? kind != TarEntryKind.Directory : kind == TarEntryKind.File && name[^1] == '/')
            throw BadArchive.Entry(name, "has the name of a directory, but is not one");
        return path;
    }

    /// <summary>A relative or absolute name without empty components and without <c>.</c>; the components <c>..</c> stay.</summary>
    public static string Simplify(string name)
    {
        if (!NeedsSimplification(name))
            return name;
        var path = new StringBuilder(name.Length);
        foreach (var range in name.AsSpan().Split('/'))
        {
            var component = name.AsSpan()[range];
            if (component.IsEmpty || component is ".")
                continue;
            if (path.Length > 0)
                path.Append('/');
            path.Append(component);
        }
        return path.ToString();
    }

    /// <summary>Why an archive cannot have the path; null if it can.</summary>
    public static PathProblem? FindProblem(string path, ArchiveOptions limits)
    {
        if (path.Length > limits.MaxPathBytes || Encoding.UTF8.GetByteCount(path) > limits.MaxPathBytes)
            return new($"has a path of more than {limits.MaxPathBytes} bytes ({ArchiveLimits.MaxPathBytes})", ArchiveLimits.MaxPathBytes);
        if (BundlePath.Problem(path) is { } problem)
            return new(problem);
        return path.AsSpan().Count('/') >= limits.MaxDepth
            ? new($"is deeper than {limits.MaxDepth} directories ({ArchiveLimits.MaxDepth})", ArchiveLimits.MaxDepth)
            : null;
    }

    private static bool NeedsSimplification(string name) => name.Length == 0 || name[0] == '/' || name[^1] == '/' || name == "."
        || name.StartsWith("./", StringComparison.Ordinal) || name.EndsWith("/.", StringComparison.Ordinal)
        || name.Contains("//", StringComparison.Ordinal) || name.Contains("/./", StringComparison.Ordinal);
}
