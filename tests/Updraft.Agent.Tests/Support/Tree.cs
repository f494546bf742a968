using System.Text;
using Updraft.Protocol;

namespace Updraft.Agent.Tests.Support;

internal readonly record struct TreeFile(byte[] Content, bool IsExecutable)
{
    public string Text => Encoding.UTF8.GetString(Content);
}

/// <summary>Files and directories to deploy.</summary>
internal sealed class Tree
{
    public SortedDictionary<string, TreeFile> Files { get; } = new(StringComparer.Ordinal);

    public List<string> Folders { get; } = [];

    public static Tree Of(params (string Path, string Text)[] files)
    {
        var tree = new Tree();
        foreach (var (path, text) in files)
            tree.Files[path] = new TreeFile(Encoding.UTF8.GetBytes(text), false);
        return tree;
    }

    public Tree WithScript(string path, string text)
    {
        Files[path] = new TreeFile(Encoding.UTF8.GetBytes(text), true);
        return this;
    }

    public Tree WithFolder(string path)
    {
        Folders.Add(path);
        return this;
    }

    public Manifest ToManifest() => Manifest.Create(Folders.Select(ManifestEntry.Directory).Concat(Files.Select(file =>
        ManifestEntry.File(file.Key, file.Value.Content.Length, Digest.Of(file.Value.Content), file.Value.IsExecutable))));
}
