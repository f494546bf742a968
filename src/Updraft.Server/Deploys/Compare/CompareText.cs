using System.Text;
using Updraft.Protocol;
using Updraft.Server.Bundles;

namespace Updraft.Server.Deploys.Compare;

public enum LineKind
{
    Same,
    Added,
    Removed,
    /// <summary>Replaces equal lines that are omitted.</summary>
    Gap,
}

/// <summary>A line of a difference.</summary>
/// <param name="Kind">The kind of change.</param>
/// <param name="Before">The line number in the old text, from 1; null if the line was added, or for a gap.</param>
/// <param name="After">The line number in the new text, from 1; null if the line was removed, or for a gap.</param>
/// <param name="Text">The line; empty for a gap.</param>
public sealed record TextLine(LineKind Kind, int? Before, int? After, string Text);

/// <summary>The differences in the text of one file.</summary>
/// <param name="Lines">The lines that differ, with three equal lines around each; null if there is a problem.</param>
/// <param name="Problem">The reason why there are no lines; null otherwise.</param>
public sealed record TextChange(IReadOnlyList<TextLine>? Lines, string? Problem);

/// <summary>Compares one file line by line, if it is a text of limited size.</summary>
internal sealed class CompareText(BundleFiles files)
{
    /// <summary>Limits of a text in bytes and lines.</summary>
    public const int MaxBytes = 512 * 1024, MaxLines = 20_000;

    /// <summary>Equal lines before and after each difference.</summary>
    private const int ContextLines = 3;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public async Task<TextChange> RunAsync(DeploymentId deployment, FileChange change, CancellationToken cancellationToken)
    {
        if ((change.Before?.Size ?? 0) > MaxBytes || (change.After?.Size ?? 0) > MaxBytes)
            return new(null, $"The file exceeds the limit of {MaxBytes / 1024} KiB; download both versions to compare them.");
        var before = await ReadAsync(deployment, change.Before, cancellationToken);
        var after = await ReadAsync(deployment, change.After, cancellationToken);
        if (before is null || after is null)
            return new(null, "The file is not text.");
        if (before == after)
            return new(null, "The content is the same; only the executable bit differs.");
        if (new TextLines(before).Count() > MaxLines || new TextLines(after).Count() > MaxLines)
            return new(null, $"The file exceeds the limit of {MaxLines} lines; download both versions to compare them.");
        List<string> old = [.. new TextLines(before)], @new = [.. new TextLines(after)];
        try
        {
            var (isRemoved, isAdded) = CompareLines.Run(old, @new, cancellationToken);
            var lines = Shorten(Merge(old, @new, isRemoved, isAdded));
            return lines.Count == 0 ? new(null, "The files differ only in their line ends.") : new(lines, null);
        }
        catch (TooManyDifferencesException)
        {
            return new(null, "The file has too many differences; download both versions to compare them.");
        }
    }

    /// <summary>Decodes UTF-8; null if the content is not a text.</summary>
    public static string? Read(ReadOnlySpan<byte> content)
    {
        if (content.Contains((byte)0))
            return null;
        try
        {
            return Strict.GetString(content);
        }
        catch (DecoderFallbackException)
        {
            return null;
        }
    }

    private async Task<string?> ReadAsync(DeploymentId deployment, ManifestEntry? file, CancellationToken cancellationToken) =>
        file is { } entry ? Read(await files.ReadAsync(deployment, entry, cancellationToken)) : "";

    /// <summary>All lines of both texts. Removed lines come before the added ones that replace them.</summary>
    private static List<TextLine> Merge(List<string> old, List<string> @new, bool[] isRemoved, bool[] isAdded)
    {
        var (all, before, after) = (new List<TextLine>(old.Count + @new.Count), 0, 0);
        while (before < old.Count || after < @new.Count)
        {
            if (before < old.Count && isRemoved[before])
                all.Add(new(LineKind.Removed, before + 1, null, old[before++]));
            else if (after < @new.Count && isAdded[after])
                all.Add(new(LineKind.Added, null, after + 1, @new[after++]));
            else
                all.Add(new(LineKind.Same, ++before, ++after, old[before - 1]));
        }
        return all;
    }

    private static List<TextLine> Shorten(List<TextLine> all)
    {
        var shown = new List<TextLine>();
        var isNear = Near(all);
        for (var i = 0; i < all.Count; i++)
        {
            if (isNear[i])
                shown.Add(all[i]);
            else if (i == 0 || isNear[i - 1])
                shown.Add(new(LineKind.Gap, null, null, ""));
        }
        return shown.Exists(line => line.Kind != LineKind.Gap) ? shown : [];
    }

    private static bool[] Near(List<TextLine> lines)
    {
        var isNear = new bool[lines.Count];
        for (var i = 0; i < lines.Count; i++)
        {
            if (lines[i].Kind == LineKind.Same)
                continue;
            for (var j = Math.Max(0, i - ContextLines); j <= Math.Min(lines.Count - 1, i + ContextLines); j++)
                isNear[j] = true;
        }
        return isNear;
    }
}
