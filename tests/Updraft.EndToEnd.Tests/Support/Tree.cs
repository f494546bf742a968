using System.Formats.Tar;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>Files that a test deploys: path and text. Immutable.</summary>
internal sealed class Tree(IReadOnlyDictionary<string, string> files)
{
    /// <summary>What archives say of every file's time: long ago, so that nothing fresh can come from it.</summary>
    private static readonly DateTimeOffset LongAgo = new(2001, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public IReadOnlyDictionary<string, string> Files => files;

    /// <summary>A project of DAG files that differ from each other.</summary>
    public static Tree WithDags(int count) => new(Enumerable.Range(0, count).ToDictionary(
        i => string.Create(CultureInfo.InvariantCulture, $"team_{i % 20:00}/pipeline_{i:00000}.py"),
        i => string.Create(CultureInfo.InvariantCulture, $"from airflow.sdk import dag\n\n\n@dag(tags=[\"n{i}\"])\ndef pipeline_{i:00000}():\n    pass\n")));

    /// <summary>A project whose every file says the same stamp, so that a mix of two versions shows.</summary>
    public static Tree Stamped(int files, string stamp) => new(Enumerable.Range(0, files).ToDictionary(
        i => string.Create(CultureInfo.InvariantCulture, $"part_{i % 3}/file_{i:00}.txt"), _ => stamp));

    /// <summary>Text that does not compress.</summary>
    public static string Noise(int length) => RandomNumberGenerator.GetHexString(length, lowercase: true);

    public Tree With(string path, string text) => new(new Dictionary<string, string>(files) { [path] = text });

    /// <summary>A plain tar of the files.</summary>
    /// <param name="folder">Folder in the archive, e.g. <c>dags</c>; null for its root.</param>
    public byte[] ToTar(string? folder)
    {
        using var archive = new MemoryStream();
        using (var tar = new TarWriter(archive, TarEntryFormat.Ustar, leaveOpen: true))
        {
            foreach (var (path, text) in files)
            {
                tar.WriteEntry(new UstarTarEntry(TarEntryType.RegularFile, folder is null ? path : $"{folder}/{path}")
                {
                    ModificationTime = LongAgo,
                    DataStream = new MemoryStream(Encoding.UTF8.GetBytes(text)),
                });
            }
        }
        return archive.ToArray();
    }

    /// <summary>How a folder on disk differs; null when it holds exactly these files.</summary>
    public string? Difference(string folder)
    {
        if (!Directory.Exists(folder))
            return $"{folder} is not there";
        var found = Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Select(path => Path.GetRelativePath(folder, path)).ToHashSet();
        if (files.Keys.FirstOrDefault(path => !found.Contains(path)) is { } missing)
            return $"{missing} is missing";
        if (found.FirstOrDefault(path => !files.ContainsKey(path)) is { } extra)
            return $"{extra} should not be there";
        return files.Where(file => File.ReadAllText(Path.Join(folder, file.Key)) != file.Value).Select(file => $"{file.Key} has another content")
            .FirstOrDefault();
    }
}
