using System.Globalization;
using System.Text;
using Updraft.Server.Api;

namespace Updraft.Server.Archives;

/// <summary>Creates the errors of rejected archives. Each has the status 400 and names the entry, the reason and the next step.</summary>
internal static class BadArchive
{
    public const string WhatToUpload = "Upload a tar archive: plain, or packed once with gzip or zstd.";

    /// <summary>An error of the whole archive.</summary>
    /// <param name="problem">One or more sentences: the reason and the next step.</param>
    /// <param name="cause">Goes to the log.</param>
    /// <param name="limit">The setting that the archive exceeds; null for other reasons.</param>
    public static ApiException Because(string problem, Exception? cause = null, string? limit = null) =>
        new(limit is null ? ArchiveErrors.InvalidArchive : ArchiveErrors.LimitExceeded, problem, cause)
        {
            BlobErrorCode = "InvalidInput",
            Limit = limit,
        };

    /// <summary>An error of one entry.</summary>
    /// <param name="name">The name of the entry, as in the archive.</param>
    /// <param name="problem">The rest of a sentence whose subject is the entry, without the period.</param>
    /// <param name="advice">The next step, as a sentence.</param>
    /// <param name="limit">The setting that the entry exceeds; null for other reasons.</param>
    public static ApiException Entry(string name, string problem, string advice = "Remove or rename it and pack the archive again.",
        string? limit = null) => Because($"The entry '{Shorten(name)}' {problem}. {advice}", limit: limit);

    /// <summary>An error of an archive that ends too early.</summary>
    /// <param name="where">The place, e.g. "in its gzip header".</param>
    public static ApiException CutOff(string where) =>
        Because($"The archive is cut off {where}. Pack it again and upload all of it.");

    /// <summary>A name of unknown encoding, for a message. Bytes beyond ASCII become question marks.</summary>
    public static string Describe(ReadOnlySpan<byte> name)
    {
        var end = name.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? name : name[..end]);
    }

    /// <summary>An error of an upload in another format.</summary>
    /// <param name="start">Its first bytes, after decompression.</param>
    /// <param name="reason">Why the first header is invalid, e.g. "it is too short".</param>
    public static ApiException NotTar(ReadOnlySpan<byte> start, string reason) => Because(KnownFormat(start) is { } format
        ? $"The upload is not a tar archive; it looks like {format}. {WhatToUpload}"
        : $"The upload is not a tar archive: its first header '{Shorten(Describe(start[..Math.Min(start.Length, 100)]))}' "
            + $"is invalid, because {reason}. {WhatToUpload}");

    private static string? KnownFormat(ReadOnlySpan<byte> start) => start switch
    {
        [0x1f, 0x8b, ..] => "gzip inside its compression",
        [0x28, 0xb5, 0x2f, 0xfd, ..] => "zstd inside its compression",
        [(byte)'P', (byte)'K', 3 or 5, 4 or 6, ..] => "zip",
        [(byte)'B', (byte)'Z', (byte)'h', ..] => "bzip2",
        [0xfd, (byte)'7', (byte)'z', (byte)'X', (byte)'Z', 0, ..] => "xz",
        [(byte)'7', (byte)'z', 0xbc, 0xaf, ..] => "7z",
        [4, 0x22, 0x4d, 0x18, ..] => "lz4",
        [(byte)'<', ..] => "HTML or XML",
        [(byte)'{' or (byte)'[', ..] => "JSON",
        _ => null,
    };

    /// <summary>
    /// User text for a message, as <see cref="ApiException.Shorten"/>. Invisible characters become question marks, because some of them
    /// reverse the direction of text.
    /// </summary>
    public static string Shorten(string text)
    {
        var shown = ApiException.Shorten(text);
        return shown.Any(IsInvisible)
            ? string.Create(shown.Length, shown, static (result, from) =>
            {
                for (var i = 0; i < result.Length; i++)
                    result[i] = IsInvisible(from[i]) ? '?' : from[i];
            })
            : shown;
    }

    private static bool IsInvisible(char c) => c > 0x7f && CharUnicodeInfo.GetUnicodeCategory(c)
        is UnicodeCategory.Format or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator;
}
