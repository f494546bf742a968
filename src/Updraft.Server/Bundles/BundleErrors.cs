using Updraft.Server.Api;

namespace Updraft.Server.Bundles;

/// <summary>Errors of reads of bundles.</summary>
internal static class BundleErrors
{
    public static readonly ErrorCode TooManyReads = new("too_many_reads", StatusCodes.Status503ServiceUnavailable,
        "The caller already has 'Reads:MaxWaiting' lists of files or comparisons waiting.",
        "Send the request again after the time in the header 'Retry-After'.");
}
