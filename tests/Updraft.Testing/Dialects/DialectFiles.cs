using System.Globalization;
using Updraft.Protocol;

namespace Updraft.Testing;

/// <summary>Reads a directory as a tree of descriptions. It follows links, and leaves out bytecode as the server does.</summary>
internal static class DialectFiles
{
    public const string Directory = "directory";

    private const string Cache = "__pycache__";

    public static string Describe(bool isExecutable, long size, Digest content) =>
        string.Create(CultureInfo.InvariantCulture, $"{(isExecutable ? "script" : "file")} of {size}: {content.ToString()[..12]}");

    public static SortedDictionary<string, string> Read(string directory)
    {
        var tree = new SortedDictionary<string, string>(StringComparer.Ordinal);
        Read(directory, "", tree, 0);
        return tree;
    }

    /// <summary>Whether a path is a file or directory, or a link that leads to one.</summary>
    public static bool Resolves(string path)
    {
        try
        {
            var final = File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName ?? path;
            return File.Exists(final) || System.IO.Directory.Exists(final);
        }
        catch (IOException)
        {
            // The link leads back to itself.
            return false;
        }
    }

    private static void Read(string at, string prefix, SortedDictionary<string, string> tree, int depth)
    {
        // A link to one of its own directories has no end. Updraft rejects it, so an accepted archive never gets here.
        if (depth > 70)
        {
            tree[prefix] = "endless";
            return;
        }
        var real = Path.GetFileName(System.IO.Directory.ResolveLinkTarget(at, returnFinalTarget: true)?.FullName ?? at);
        foreach (var path in System.IO.Directory.EnumerateFileSystemEntries(at))
        {
            var name = prefix + Path.GetFileName(path);
            if (System.IO.Directory.Exists(path))
            {
                Read(path, name + "/", tree, depth + 1);
                var isCache = Path.GetFileName(path) == Cache && new FileInfo(path).LinkTarget is null;
                if (!isCache || tree.Keys.Any(key => key.StartsWith(name + "/", StringComparison.Ordinal)))
                    tree.Add(name, Directory);
            }
            else if (!Resolves(path))
            {
                tree.Add(name, "link to nothing");
            }
            else if (real != Cache || !name.EndsWith(".pyc", StringComparison.Ordinal))
            {
                var content = File.ReadAllBytes(path);
                tree.Add(name, Describe(File.GetUnixFileMode(path).HasFlag(UnixFileMode.UserExecute), content.Length, Digest.Of(content)));
            }
        }
    }
}
