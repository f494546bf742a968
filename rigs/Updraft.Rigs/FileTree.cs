using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Updraft.Rigs;

/// <summary>Files that the rig deploys. <c>stamp.txt</c> says which tree it is, so that a reader can tell what it must find.</summary>
internal sealed class FileTree
{
    public const string StampFile = "stamp.txt";

    private FileTree(string stamp, IReadOnlyDictionary<string, byte[]> files) => (Stamp, Files) = (stamp, files);

    public string Stamp { get; }

    public IReadOnlyDictionary<string, byte[]> Files { get; }

    /// <summary>A tree of which a part is new, a part stood in earlier trees, and a part stands in it twice.</summary>
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
            files[string.Create(CultureInfo.InvariantCulture, $"shared/text_{i}.py")] = files[string.Create(CultureInfo.InvariantCulture, $"twice/text_{i}.py")] = content;
        }
        return new FileTree(stamp, files);
    }

    /// <summary>A plain tar.</summary>
    /// <param name="folder">Folder in the archive; null for its root.</param>
    public byte[] ToTar(string? folder)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, content) in Files)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, folder is null ? path : $"{folder}/{path}")
                {
                    ModificationTime = DateTimeOffset.UnixEpoch,
                    DataStream = new MemoryStream(content),
                });
            }
        }
        return archive.ToArray();
    }

    /// <summary>How found files differ; null when they are exactly these.</summary>
    public string? Difference(IReadOnlyDictionary<string, byte[]> found)
    {
        foreach (var (path, content) in Files)
        {
            if (!found.TryGetValue(path, out var other))
                return $"{path} is missing";
            if (!content.AsSpan().SequenceEqual(other))
                return $"{path} has another content: {Convert.ToHexStringLower(SHA256.HashData(other))[..12]}";
        }
        return found.Keys.FirstOrDefault(path => !Files.ContainsKey(path)) is { } extra ? $"{extra} should not be there" : null;
    }

    /// <summary>Every file below a folder.</summary>
    public static IReadOnlyDictionary<string, byte[]> Read(string folder) => Directory
        .EnumerateFiles(folder, "*", SearchOption.AllDirectories)
        .ToDictionary(path => Path.GetRelativePath(folder, path), File.ReadAllBytes, StringComparer.Ordinal);
}
