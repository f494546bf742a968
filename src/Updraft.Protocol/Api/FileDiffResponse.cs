using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Files that differ between the revisions of two deploys.</summary>
public sealed record FileDiffResponse
{
    /// <summary>Id of the earlier deploy; absent if there is none, so that all files are new.</summary>
    public string? DeployIdBefore { get; init; }

    /// <summary>Id of the later deploy.</summary>
    public required string DeployIdAfter { get; init; }

    /// <summary>Bundles whose version differs, by mount path.</summary>
    public required IReadOnlyList<BundleDiff> Bundles { get; init; }
}

/// <summary>Differences in one bundle.</summary>
public sealed record BundleDiff
{
    /// <summary>Mount path below Airflow's home, such as <c>dags</c>.</summary>
    public required string Path { get; init; }

    /// <summary>Version in the earlier revision; absent if the bundle was not mounted.</summary>
    public string? VersionBefore { get; init; }

    /// <summary>Version in the later revision; absent if the bundle is no longer mounted.</summary>
    public string? VersionAfter { get; init; }

    /// <summary>Files that differ, by path. Empty if both versions have equal content.</summary>
    public required IEnumerable<ChangedFile> Files { get; init; }
}

/// <summary>A file that differs.</summary>
public sealed record ChangedFile
{
    /// <summary>Path of the file in the bundle.</summary>
    public required string Path { get; init; }

    /// <summary><c>ADDED</c>, <c>REMOVED</c> or <c>CHANGED</c>. A file that only became executable is <c>CHANGED</c>.</summary>
    [AllowedValues("ADDED", "REMOVED", "CHANGED")]
    public required string Change { get; init; }

    /// <summary>Earlier size in bytes; absent for an added file.</summary>
    public long? SizeBefore { get; init; }

    /// <summary>Later size in bytes; absent for a removed file.</summary>
    public long? SizeAfter { get; init; }
}

/// <summary>Differences in the text of one file.</summary>
public sealed record TextDiffResponse
{
    /// <summary>Path of the file in the bundle.</summary>
    public required string Path { get; init; }

    /// <summary>Lines that differ, each with three lines of context. Absent if the file cannot be compared as text.</summary>
    public IReadOnlyList<TextDiffLine>? Lines { get; init; }

    /// <summary>Reason why there are no lines: the file is not text, or it is too large. Absent otherwise.</summary>
    public string? Reason { get; init; }
}

/// <summary>A line of a difference.</summary>
public sealed record TextDiffLine
{
    /// <summary><c>SAME</c>, <c>ADDED</c>, <c>REMOVED</c>, or <c>GAP</c> for omitted lines that are equal.</summary>
    [AllowedValues("SAME", "ADDED", "REMOVED", "GAP")]
    public required string Kind { get; init; }

    /// <summary>Line number in the earlier text, from 1; absent for an added line and a gap.</summary>
    public int? NumberBefore { get; init; }

    /// <summary>Line number in the later text, from 1; absent for a removed line and a gap.</summary>
    public int? NumberAfter { get; init; }

    /// <summary>Text of the line without its line break; empty for a gap.</summary>
    public required string Text { get; init; }
}

/// <summary>Files of a bundle version.</summary>
public sealed record VersionFilesResponse
{
    /// <summary>Version of the bundle.</summary>
    public required string Version { get; init; }

    /// <summary>Id of the deploy that uploaded the version.</summary>
    public required string DeployId { get; init; }

    /// <summary>Files of the version, by path.</summary>
    public required IEnumerable<VersionFile> Files { get; init; }
}

/// <summary>A file of a bundle version.</summary>
public sealed record VersionFile
{
    /// <summary>Path of the file in the bundle.</summary>
    public required string Path { get; init; }

    /// <summary>Size in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>SHA-256 of the content: 64 lower-case hexadecimal digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Whether the file has mode 0755; otherwise it has 0644.</summary>
    public required bool IsExecutable { get; init; }
}
