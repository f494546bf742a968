using System.Text;
using Updraft.Protocol;

namespace Updraft.Server.Archives;

/// <summary>The rule for names in archives: <see cref="BundlePath"/> and the limits of <see cref="ArchiveOptions"/>.</summary>
internal static class ArchivePath
{
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    /// <summary>Reads a name.</summary>
    /// <exception cref="Api.ApiException">400: not UTF-8, or with a NUL in it.</exception>
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
    /// Brings a name into the form of a manifest: without <c>./</c> before it and, for a folder, without the slash after it. Empty for
    /// the folder <c>./</c>, the archive's own root.
    /// </summary>
    /// <exception cref="Api.ApiException">400: any other name that a manifest cannot have, or one that is too long or too deep.</exception>
    public static string Normalize(string name, bool isFolder, ArchiveOptions limits)
    {
        var start = 0;
        while (name.AsSpan(start).StartsWith("./"))
            start += 2;
        var end = isFolder && name.Length > start && name[^1] == '/' ? name.Length - 1 : name.Length;
        if (isFolder && start == name.Length && start > 0)
            return "";
        var path = name[start..end];
        return Problem(path, limits) is { } problem ? throw BadArchive.Entry(name, problem) : path;
    }

    /// <summary>Why a path is refused, as the end of a sentence; null when it is not.</summary>
    public static string? Problem(string path, ArchiveOptions limits)
    {
        if (path.Length > limits.MaxPathBytes || Encoding.UTF8.GetByteCount(path) > limits.MaxPathBytes)
            return $"has a path of more than {limits.MaxPathBytes} bytes (Archives:MaxPathBytes)";
        if (BundlePath.Problem(path) is { } problem)
            return problem;
        return path.AsSpan().Count('/') >= limits.MaxDepth ? $"is deeper than {limits.MaxDepth} folders (Archives:MaxDepth)" : null;
    }
}
