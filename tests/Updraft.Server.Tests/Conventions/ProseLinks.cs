using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Links between pages.</summary>
internal static partial class ProseLinks
{
    /// <summary>Relative links to files or anchors that do not exist.</summary>
    /// <param name="pages">All pages by path.</param>
    /// <param name="exists">Whether a path of the checkout exists.</param>
    public static IEnumerable<ProseHit> Broken(IReadOnlyDictionary<string, ProseMarkdown> pages, Func<string, bool> exists)
    {
        foreach (var (file, page) in pages)
        {
            foreach (var link in page.Links.Where(link => IsRelative(link.Target)))
            {
                var (path, anchor) = Resolve(file, link.Target);
                if (path is null || !exists(path))
                    yield return new ProseHit("broken-link", file, link.Line, $"'{link.Target}': there is no such file");
                else if (anchor.Length > 0 && pages.TryGetValue(path, out var target) && !target.HasAnchor(anchor))
                    yield return new ProseHit("broken-anchor", file, link.Line, $"'{link.Target}': the page has no such heading");
            }
        }
    }

    /// <summary>Pages of <c>docs</c> to which no path of links leads from the README or the index.</summary>
    public static IEnumerable<ProseHit> Unreachable(IReadOnlyDictionary<string, ProseMarkdown> pages)
    {
        var seen = new HashSet<string>(["README.md", "docs/README.md"], StringComparer.Ordinal);
        var open = new Queue<string>(seen.Where(pages.ContainsKey));
        while (open.TryDequeue(out var file))
        {
            foreach (var link in pages[file].Links.Where(link => IsRelative(link.Target)))
            {
                if (Resolve(file, link.Target).Path is { } path && pages.ContainsKey(path) && seen.Add(path))
                    open.Enqueue(path);
            }
        }
        return pages.Keys.Where(file => ProseTree.IsDocs(file) && !seen.Contains(file))
            .Select(file => new ProseHit("unreachable", file, 1, "no path of links leads here from docs/README.md; add the page to the index"));
    }

    /// <summary>Pages that code, scripts and configuration name, and that do not exist.</summary>
    public static IEnumerable<ProseHit> BrokenNames(string file, string text, Func<string, bool> exists) =>
        from Match name in PageName().Matches(text)
        where !exists(name.Value)
        select new ProseHit("broken-link", file, text.AsSpan(0, name.Index).Count('\n') + 1, $"'{name.Value}': there is no such page");

    [GeneratedRegex(@"(?<![\w/.-])(?:docs/[\w./-]+|README|CONTRIBUTING|SECURITY|CHANGELOG)\.md\b")]
    private static partial Regex PageName();

    private static bool IsRelative(string target) => !target.Contains("://", StringComparison.Ordinal) && !target.StartsWith("mailto:", StringComparison.Ordinal);

    private static (string? Path, string Anchor) Resolve(string file, string target)
    {
        var parts = target.Split('#', 2);
        var anchor = parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "";
        if (parts[0].Length == 0)
            return (file, anchor);
        var path = new List<string>(file.Split('/')[..^1]);
        foreach (var step in Uri.UnescapeDataString(parts[0]).Split('/'))
        {
            if (step == "..")
            {
                if (path.Count == 0)
                    return (null, anchor);
                path.RemoveAt(path.Count - 1);
            }
            else if (step is not ("." or ""))
            {
                path.Add(step);
            }
        }
        return (string.Join('/', path), anchor);
    }
}
