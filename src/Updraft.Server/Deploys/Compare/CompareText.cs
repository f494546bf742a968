using System.Text;
using DiffPlex.DiffBuilder;
using DiffPlex.DiffBuilder.Model;
using Updraft.Protocol;
using Updraft.Server.Bundles;

namespace Updraft.Server.Deploys.Compare;

/// <summary>How a line of a text stands to the other text.</summary>
public enum LineKind
{
    Same,
    Added,
    Removed,
    /// <summary>Stands for same lines that are left out.</summary>
    Gap,
}

/// <summary>A line of a difference.</summary>
/// <param name="Kind">What happened to it.</param>
/// <param name="Before">Its number in the old text; null when it is not there.</param>
/// <param name="After">Its number in the new text; null when it is not there.</param>
/// <param name="Text">The line; for a gap, empty.</param>
public sealed record TextLine(LineKind Kind, int? Before, int? After, string Text);

/// <summary>What differs in a file's text.</summary>
/// <param name="Lines">The lines that differ with some around them; null when they cannot be shown.</param>
/// <param name="Problem">Why not; null when they can.</param>
public sealed record TextChange(IReadOnlyList<TextLine>? Lines, string? Problem);

/// <summary>Compares the text of one file line by line, as long as it is text, and small enough to be read by people.</summary>
internal sealed class CompareText(BundleFiles files)
{
    /// <summary>Largest text that is shown, in bytes and lines.</summary>
    public const int MaxBytes = 512 * 1024, MaxLines = 20_000;

    private const int Around = 3;

    // Comparing costs the product of length and differences.
    private const long MostWork = 20_000_000;

    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    public async Task<TextChange> RunAsync(DeploymentId deployment, FileChange change, CancellationToken cancellationToken)
    {
        if ((change.Before?.Size ?? 0) > MaxBytes || (change.After?.Size ?? 0) > MaxBytes)
            return new(null, $"The file is larger than {MaxBytes / 1024} KiB; download both versions to compare them.");
        var before = await ReadAsync(deployment, change.Before, cancellationToken);
        var after = await ReadAsync(deployment, change.After, cancellationToken);
        if (before is null || after is null)
            return new(null, "The file is not text.");
        if (before == after)
            return new(null, "The content is the same; only whether the file is executable differs.");
        var (old, @new) = (before.Count(c => c == '\n'), after.Count(c => c == '\n'));
        if (old > MaxLines || @new > MaxLines || (long)old * @new > MostWork)
            return new(null, "The file has too many lines to compare them here; download both versions.");
        return new(Shorten(InlineDiffBuilder.Diff(before, after, ignoreWhiteSpace: false)), null);
    }

    /// <summary>The text of a content; null when it is none.</summary>
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

    private static List<TextLine> Shorten(DiffPaneModel diff)
    {
        var (all, before, after) = (new List<TextLine>(diff.Lines.Count), 0, 0);
        foreach (var line in diff.Lines)
        {
            all.Add(line.Type switch
            {
                ChangeType.Inserted => new(LineKind.Added, null, ++after, line.Text),
                ChangeType.Deleted => new(LineKind.Removed, ++before, null, line.Text),
                _ => new(LineKind.Same, ++before, ++after, line.Text),
            });
        }
        var shown = new List<TextLine>();
        var isNear = Near(all);
        for (var i = 0; i < all.Count; i++)
        {
            if (isNear[i])
                shown.Add(all[i]);
            else if (i == 0 || isNear[i - 1])
                shown.Add(new(LineKind.Gap, null, null, ""));
        }
        return shown;
    }

    private static bool[] Near(List<TextLine> lines)
    {
        var isNear = new bool[lines.Count];
        for (var i = 0; i < lines.Count; i++)
        {
            if (lines[i].Kind == LineKind.Same)
                continue;
            for (var j = Math.Max(0, i - Around); j <= Math.Min(lines.Count - 1, i + Around); j++)
                isNear[j] = true;
        }
        return isNear;
    }
}
