using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Which files differ between what a Deployment ran after one deploy and after another.</summary>
public sealed record FileDiffResponse
{
    /// <summary>The deploy that counts as before; absent when there is none, and everything is new.</summary>
    public string? DeployIdBefore { get; init; }

    /// <summary>The deploy that counts as after.</summary>
    public required string DeployIdAfter { get; init; }

    /// <summary>The bundles whose version differs, by their place.</summary>
    public required IReadOnlyList<BundleDiff> Bundles { get; init; }
}

/// <summary>What differs in one bundle.</summary>
public sealed record BundleDiff
{
    /// <summary>The bundle's place below Airflow's home, such as <c>dags</c>.</summary>
    public required string Path { get; init; }

    /// <summary>The version before; absent when the bundle was not mounted.</summary>
    public string? VersionBefore { get; init; }

    /// <summary>The version after; absent when the bundle is not mounted any more.</summary>
    public string? VersionAfter { get; init; }

    /// <summary>Every file that differs, by path; empty when two versions hold the same.</summary>
    public required IReadOnlyList<ChangedFile> Files { get; init; }
}

/// <summary>A file that differs.</summary>
public sealed record ChangedFile
{
    /// <summary>The file's path in the bundle.</summary>
    public required string Path { get; init; }

    /// <summary>How it differs; a file that only became executable is changed too.</summary>
    [AllowedValues("ADDED", "REMOVED", "CHANGED")]
    public required string Change { get; init; }

    /// <summary>Its size before, in bytes.</summary>
    public long? SizeBefore { get; init; }

    /// <summary>Its size after, in bytes.</summary>
    public long? SizeAfter { get; init; }
}

/// <summary>What differs in the text of one file.</summary>
public sealed record TextDiffResponse
{
    /// <summary>The file's path in the bundle.</summary>
    public required string Path { get; init; }

    /// <summary>The lines that differ, each with three around it; absent when the file cannot be compared as text.</summary>
    public IReadOnlyList<TextDiffLine>? Lines { get; init; }

    /// <summary>Why it cannot be: it is not text, or too large.</summary>
    public string? Reason { get; init; }
}

/// <summary>A line of a difference.</summary>
public sealed record TextDiffLine
{
    /// <summary>What happened to the line; <c>GAP</c> stands for same lines that are left out.</summary>
    [AllowedValues("SAME", "ADDED", "REMOVED", "GAP")]
    public required string Kind { get; init; }

    /// <summary>Number of the line before, from 1.</summary>
    public int? NumberBefore { get; init; }

    /// <summary>Number of the line after, from 1.</summary>
    public int? NumberAfter { get; init; }

    /// <summary>The line without its end.</summary>
    public required string Text { get; init; }
}

/// <summary>What a version of a bundle holds.</summary>
public sealed record VersionFilesResponse
{
    /// <summary>The version.</summary>
    public required string Version { get; init; }

    /// <summary>The deploy that brought it.</summary>
    public required string DeployId { get; init; }

    /// <summary>Every file, by path.</summary>
    public required IReadOnlyList<VersionFile> Files { get; init; }
}

/// <summary>A file of a version.</summary>
public sealed record VersionFile
{
    /// <summary>The file's path in the bundle.</summary>
    public required string Path { get; init; }

    /// <summary>Its size in bytes.</summary>
    public required long Size { get; init; }

    /// <summary>SHA-256 of its content, in lower-case hexadecimal digits.</summary>
    public required string Sha256 { get; init; }

    /// <summary>Whether its owner may execute it.</summary>
    public required bool IsExecutable { get; init; }
}
