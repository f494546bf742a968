using CsCheck;

namespace Updraft.Protocol.Tests;

/// <summary>Generators of bundles.</summary>
internal static class Trees
{
    private static readonly string[] UnexpectedResponse = ["dags", "common", "a b", "ä", "\U0001F600", "\uE000", "\uFFFD", "-", "d", "f"];

    private static readonly Gen<string> Component = Gen.OneOf(
        Gen.Int[0, UnexpectedResponse.Length - 1].Select(i => UnexpectedResponse[i]),
        Gen.String[Gen.Char['a', 'z'], 1, 8]);

    /// <summary>Files below folders whose names cannot be a file's, so that any set of them is a tree.</summary>
    private static readonly Gen<string> FilePath =
        from folders in Component.Array[0, 3]
        from name in Component
        select string.Join('/', folders.Select(folder => folder + ".d").Append(name + ".py"));

    public static readonly Gen<byte[]> Content = Gen.Byte.Array[0, 200];

    /// <summary>Contents by path.</summary>
    public static readonly Gen<Dictionary<string, (byte[] Content, bool IsExecutable)>> Files =
        Gen.Select(FilePath, Content, Gen.Bool).Array[0, 20].Select(files =>
        {
            var tree = new Dictionary<string, (byte[], bool)>(StringComparer.Ordinal);
            foreach (var (path, content, isExecutable) in files)
                tree[path] = (content, isExecutable);
            return tree;
        });

    public static Manifest ManifestOf(Dictionary<string, (byte[] Content, bool IsExecutable)> files) => Manifest.Create(
        files.Select(file => ManifestEntry.File(file.Key, file.Value.Content.Length, Digest.Of(file.Value.Content), file.Value.IsExecutable)));

    public static readonly Gen<Manifest> Manifests = Files.Select(ManifestOf);
}
