using System.Globalization;
using System.Text;
using Updraft.Server.Api;

namespace Updraft.Server.Archives;

/// <summary>Refusals of an archive: always 400, always with the entry, the reason and what to do.</summary>
internal static class BadArchive
{
    public const string WhatToUpload = "Upload a tar archive: plain, or packed once with gzip or zstd.";

    /// <summary>The archive as a whole is refused.</summary>
    /// <param name="problem">A sentence.</param>
    /// <param name="cause">For the log.</param>
    public static ApiException Because(string problem, Exception? cause = null) =>
        new(StatusCodes.Status400BadRequest, problem, cause) { BlobErrorCode = "InvalidInput" };

    /// <summary>One entry is refused.</summary>
    /// <param name="name">The entry's name as the archive has it.</param>
    /// <param name="problem">The rest of a sentence that begins with the entry.</param>
    /// <param name="advice">What to do, as a sentence.</param>
    public static ApiException Entry(string name, string problem, string advice = "Remove or rename it and pack the archive again.") =>
        Because($"The entry '{Shorten(name)}' {problem}. {advice}");

    /// <summary>The archive ends too early.</summary>
    public static ApiException CutOff(string where) =>
        Because($"The archive is cut off {where}. Pack it again and upload all of it.");

    /// <summary>A name of unknown bytes for a message: what is not ASCII becomes a question mark.</summary>
    public static string Describe(ReadOnlySpan<byte> name)
    {
        var end = name.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? name : name[..end]);
    }

    /// <summary>What was uploaded is something else.</summary>
    /// <param name="start">Its first bytes, after decompression.</param>
    /// <param name="why">What shows it.</param>
    public static ApiException NoTar(ReadOnlySpan<byte> start, string why) => Because(KnownFormat(start) is { } format
        ? $"The upload is no tar archive; it looks like {format}. {WhatToUpload}"
        : $"The upload is no tar archive: its first header '{Shorten(Describe(start[..Math.Min(start.Length, 100)]))}' is none, {why}. "
            + WhatToUpload);

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

    /// <summary>User text as <see cref="ApiException.Shorten"/> has it, also without invisible characters that turn text around.</summary>
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
