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
    /// Converts a name to the form of a manifest: without a leading <c>./</c> and, for a directory, without the trailing slash. Empty for
    /// the directory <c>./</c>, the root of the archive.
    /// </summary>
    /// <exception cref="Api.ApiException">400: a manifest cannot have the name, or the name is too long or too deep.</exception>
    public static string Normalize(string name, bool isDirectory, ArchiveOptions limits)
    {
        var start = 0;
        while (name.AsSpan(start).StartsWith("./"))
            start += 2;
        var end = isDirectory && name.Length > start && name[^1] == '/' ? name.Length - 1 : name.Length;
        if (isDirectory && start == name.Length && start > 0)
            return "";
        var path = name[start..end];
        return FindProblem(path, limits) is { } problem ? throw BadArchive.Entry(name, problem.Text, limit: problem.Limit) : path;
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
}
