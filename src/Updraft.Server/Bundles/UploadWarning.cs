using System.Globalization;
using System.Text.Json.Serialization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Archives;

namespace Updraft.Server.Bundles;

/// <summary>A fact about an accepted archive that can surprise its user. Immutable.</summary>
/// <param name="Code">One of the constants.</param>
/// <param name="Count">Number of files or names.</param>
/// <param name="Names">The first names, at most five.</param>
internal sealed record UploadWarning(string Code, int Count, IReadOnlyList<string> Names)
{
    public const string UnmountedFiles = "unmounted_files", BytecodeLeftOut = "bytecode_left_out", SimilarNames = "similar_names";

    /// <summary>One or two sentences for users.</summary>
    [JsonIgnore]
    public string Message => Code switch
    {
        UnmountedFiles => $"Airflow does not see {Files()} next to the directory 'dags' of the archive: {Shown()}. "
            + "Move them into 'dags', or into a non-DAG bundle.",
        BytecodeLeftOut => $"Updraft left out {Files()} with Python's bytecode: {Shown()}. "
            + $"To keep such files, set {ArchiveOptions.Section}:{nameof(ArchiveOptions.KeepBytecode)}.",
        _ => string.Create(CultureInfo.InvariantCulture, $"{Count} {(Count == 1 ? "name differs" : "names differ")} from another name ")
            + $"only in case or in the encoding of accents: {Shown()}. macOS and Windows cannot store both.",
    };

    /// <summary>The warnings about an archive; empty without any.</summary>
    /// <param name="manifest">Its tree.</param>
    /// <param name="leftOut">Bytecode that the tree does not have.</param>
    /// <param name="purpose">The bundle that the archive is for.</param>
    public static IReadOnlyList<UploadWarning> Find(Manifest manifest, PathSample leftOut, BundlePurpose purpose)
    {
        var warnings = new List<UploadWarning>();
        if (purpose == BundlePurpose.Dags && HasDagsDirectory(manifest) && FindUnmounted(manifest) is { Count: > 0 } unmounted)
            warnings.Add(unmounted);
        if (leftOut.Count > 0)
            warnings.Add(new(BytecodeLeftOut, leftOut.Count, leftOut.First));
        if (Archives.SimilarNames.Find(manifest) is { Count: > 0 } similar)
            warnings.Add(new(SimilarNames, similar.Count, similar.First));
        return warnings;
    }

    /// <summary>Whether an archive of DAGs has a top-level directory <c>dags</c>. Then agents mount this directory alone.</summary>
    public static bool HasDagsDirectory(Manifest manifest) => manifest.Find(Bundle.MainPath) is { IsDirectory: true };

    public UploadWarningResponse ToResponse() => new() { Code = Code, Message = Message, Count = Count, Names = Names };

    /// <summary>The number of files outside of the directory <c>dags</c>, and their top-level names.</summary>
    private static UploadWarning FindUnmounted(Manifest manifest)
    {
        var names = new PathSample();
        var (count, last) = (0, "");
        foreach (var entry in manifest.Entries)
        {
            if (entry.IsDirectory || entry.Path.StartsWith(Bundle.MainPath + "/", StringComparison.Ordinal))
                continue;
            count++;
            var slash = entry.Path.IndexOf('/', StringComparison.Ordinal);
            var name = slash < 0 ? entry.Path : entry.Path[..(slash + 1)];
            if (name != last)
                names.Add(name);
            last = name;
        }
        return new(UnmountedFiles, count, names.First);
    }

    private string Files() => string.Create(CultureInfo.InvariantCulture, $"{Count} {(Count == 1 ? "file" : "files")}");

    private string Shown() => string.Join(", ", Names.Select(BadArchive.Shorten))
        + (Names.Count == PathSample.Most && Count > Names.Count ? ", …" : "");
}
