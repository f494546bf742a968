namespace Updraft.Server.Archives;

/// <summary>
/// The bytecode of Python in an archive: files <c>*.pyc</c> in directories <c>__pycache__</c>, and such directories themselves. Python
/// writes it again. In a bundle it belongs to the paths, times and Python of another machine.
/// </summary>
internal static class Bytecode
{
    /// <summary>The rest of a sentence about the target of a link.</summary>
    public const string IsLeftOut = "which is bytecode that Updraft leaves out";

    /// <summary>The next step for a link to bytecode.</summary>
    public const string Advice = "Remove the link, or set " + ArchiveOptions.Section + ":" + nameof(ArchiveOptions.KeepBytecode) + ".";

    private const string Cache = "__pycache__", Extension = ".pyc";

    /// <summary>Whether a path of a manifest is bytecode.</summary>
    /// <param name="path">The path.</param>
    /// <param name="isDirectory">Whether it is a directory. A directory with other files exists nevertheless, as their parent.</param>
    public static bool Includes(ReadOnlySpan<char> path, bool isDirectory)
    {
        var name = path[(path.LastIndexOf('/') + 1)..];
        if (isDirectory)
            return name is Cache;
        // Python writes to a name with a number at its end, then renames it.
        var extension = name.LastIndexOf(Extension);
        if (extension < 0 || name.Length == path.Length)
            return false;
        var rest = name[(extension + Extension.Length)..];
        if (!rest.IsEmpty && (rest[0] != '.' || rest.Length == 1 || rest[1..].ContainsAnyExceptInRange('0', '9')))
            return false;
        var parent = path[..(path.Length - name.Length - 1)];
        return parent[(parent.LastIndexOf('/') + 1)..] is Cache;
    }
}
