using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Bundles;

/// <summary>Limits of the requests whose memory grows with the number of files: lists of files, and comparisons of deploys.</summary>
internal sealed class ReadOptions
{
    public const string Section = "Reads";

    /// <summary>
    /// Maximum number of such requests that the server computes at the same time. Other requests wait. Two bundles with
    /// 100,000 files need about 50 MiB of memory for each.
    /// </summary>
    [Range(1, 256)]
    public int MaxConcurrent { get; set; } = 1;

    /// <summary>Maximum number of such requests of one user or token, from their start to the end of their response. Others wait.</summary>
    [Range(1, 256)]
    public int MaxPerCaller { get; set; } = 2;

    /// <summary>Maximum number of waiting requests of one user or token. The server rejects others with a 503.</summary>
    [Range(0, 10_000)]
    public int MaxWaiting { get; set; } = 32;
}
