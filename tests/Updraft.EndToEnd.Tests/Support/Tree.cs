using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>Files of a deploy: path and text. Immutable.</summary>
internal sealed class Tree(IReadOnlyDictionary<string, string> files)
{
    /// <summary>Time of every file in archives. It is long ago, so a recent time on disk cannot come from the archive.</summary>
    private static readonly DateTimeOffset LongAgo = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public IReadOnlyDictionary<string, string> Files => files;

    /// <summary>A project of DAG files with different contents.</summary>
    public static Tree WithDags(int count) => new(Enumerable.Range(0, count).ToDictionary(
        i => string.Create(CultureInfo.InvariantCulture, $"team_{i % 20:00}/pipeline_{i:00000}.py"),
        i => string.Create(
            CultureInfo.InvariantCulture,
            $"from airflow.sdk import dag\n\n\n@dag(tags=[\"n{i}\"])\ndef pipeline_{i:00000}():\n    pass\n")));

    /// <summary>A project whose files all contain the same stamp, so that a mixture of two versions is visible.</summary>
    public static Tree Stamped(int files, string stamp) => new(Enumerable.Range(0, files).ToDictionary(
        i => string.Create(CultureInfo.InvariantCulture, $"part_{i % 3}/file_{i:00}.txt"), _ => stamp));

    /// <summary>Text that does not compress.</summary>
    public static string Noise(int length) => RandomNumberGenerator.GetHexString(length, lowercase: true);

    public Tree With(string path, string text) => new(new Dictionary<string, string>(files) { [path] = text });

    /// <summary>An uncompressed tar archive of the files.</summary>
    /// <param name="directory">Directory in the archive, e.g. <c>dags</c>; null for its root.</param>
    public byte[] ToTar(string? directory)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, text) in files)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, directory is null ? path : $"{directory}/{path}")
                {
                    ModificationTime = LongAgo,
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                });
            }
        }
        return archive.ToArray();
    }

    /// <summary>The first difference of a directory on disk; null if the directory has exactly these files.</summary>
    public string? Difference(string directory)
    {
        if (!Directory.Exists(directory))
            return $"{directory} does not exist";
        var found = Directory.EnumerateFiles(directory, "*", SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(directory, path)).ToHashSet();
        if (files.Keys.FirstOrDefault(path => !found.Contains(path)) is { } missing)
            return $"{missing} is missing";
        if (found.FirstOrDefault(path => !files.ContainsKey(path)) is { } extra)
            return $"{extra} is not expected";
        return files.Where(file => File.ReadAllText(Path.Join(directory, file.Key)) != file.Value)
            .Select(file => $"{file.Key} has a different content").FirstOrDefault();
    }
}
