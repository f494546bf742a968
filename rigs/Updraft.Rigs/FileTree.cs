using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Updraft.Rigs;

/// <summary>Files of a deploy of the rig. <c>stamp.txt</c> names the tree, so that a reader knows the expected files.</summary>
internal sealed class FileTree
{
    public const string StampFile = "stamp.txt";

    private FileTree(string stamp, IReadOnlyDictionary<string, byte[]> files) => (Stamp, Files) = (stamp, files);

    public string Stamp { get; }

    public IReadOnlyDictionary<string, byte[]> Files { get; }

    /// <summary>Creates a tree. Some contents are new, some are from earlier trees, and some occur twice in the tree.</summary>
    public static FileTree Create(Random random, string stamp)
    {
        var files = new Dictionary<string, byte[]>(StringComparer.Ordinal) { [StampFile] = Encoding.UTF8.GetBytes(stamp) };
        for (var i = random.Next(3, 9); i > 0; i--)
        {
            var content = new byte[random.Next(1, 6000)];
            random.NextBytes(content);
            files[string.Create(CultureInfo.InvariantCulture, $"team_{i % 3}/new_{i}.bin")] = content;
        }
        for (var i = random.Next(1, 5); i > 0; i--)
        {
            var content = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat($"shared {random.Next(20)}\n", 50)));
            files[string.Create(CultureInfo.InvariantCulture, $"twice/text_{i}.py")] = content;
            files[string.Create(CultureInfo.InvariantCulture, $"shared/text_{i}.py")] = content;
        }
        return new FileTree(stamp, files);
    }

    /// <summary>An uncompressed tar archive.</summary>
    /// <param name="directory">Directory in the archive; null for its root.</param>
    public byte[] ToTar(string? directory)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, content) in Files)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, directory is null ? path : $"{directory}/{path}")
                {
                    ModificationTime = DateTimeOffset.UnixEpoch,
                    DataStream = new MemoryStream(content),
                });
            }
        }
        return archive.ToArray();
    }

    /// <summary>The first difference of the found files; null if there is none.</summary>
    public string? Difference(IReadOnlyDictionary<string, byte[]> found)
    {
        foreach (var (path, content) in Files)
        {
            if (!found.TryGetValue(path, out var other))
                return $"{path} is missing";
            if (!content.AsSpan().SequenceEqual(other))
                return $"{path} has a different content: {Convert.ToHexStringLower(SHA256.HashData(other))[..12]}";
        }
        return found.Keys.FirstOrDefault(path => !Files.ContainsKey(path)) is { } extra ? $"{extra} is not expected" : null;
    }

    /// <summary>The content of every file below a directory, by relative path.</summary>
    public static IReadOnlyDictionary<string, byte[]> Read(string directory) => Directory
        .EnumerateFiles(directory, "*", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetRelativePath(directory, path), File.ReadAllBytes, StringComparer.Ordinal);
}
