using CsCheck;

namespace Updraft.Protocol.Tests;

/// <summary>Generators of bundle trees.</summary>
internal static class Trees
{
    private static readonly string[] UnusualNames = ["dags", "common", "a b", "ä", "\U0001F600", "\uE000", "\uFFFD", "-", "d", "f"];

    private static readonly Gen<string> Component = Gen.OneOf(
        Gen.Int[0, UnusualNames.Length - 1].Select(i => UnusualNames[i]),
        Gen.String[Gen.Char['a', 'z'], 1, 8]);

    /// <summary>Paths of files. Names of directories and files have different suffixes, so that any set of paths is a tree.</summary>
    private static readonly Gen<string> FilePath =
        from directories in Component.Array[0, 3]
        from name in Component
        select string.Join('/', directories.Select(directory => directory + ".d").Append(name + ".py"));

    public static readonly Gen<byte[]> Content = Gen.Byte.Array[0, 200];

    /// <summary>Files by path, with content and executable bit.</summary>
    public static readonly Gen<Dictionary<string, (byte[] Content, bool IsExecutable)>> Files =
        Gen.Select(FilePath, Content, Gen.Bool).Array[0, 20].Select(files =>
        {
            var tree = new Dictionary<string, (byte[], bool)>(StringComparer.Ordinal);
            foreach (var (path, content, isExecutable) in files)
                tree[path] = (content, isExecutable);
            return tree;
        });

    public static Manifest ManifestOf(Dictionary<string, (byte[] Content, bool IsExecutable)> files) =>
        Manifest.Create(files.Select(file => ManifestEntry.File(
            file.Key, file.Value.Content.Length, Digest.Of(file.Value.Content), file.Value.IsExecutable)));

    public static readonly Gen<Manifest> Manifests = Files.Select(ManifestOf);
}
