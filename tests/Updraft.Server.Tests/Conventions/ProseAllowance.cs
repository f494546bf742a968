using System.Globalization;

namespace Updraft.Server.Tests.Conventions;

/// <summary>
/// Texts that are older than a rule. <c>prose-allowed.txt</c> says how many violations of a rule a file may still have. The number only shrinks:
/// <c>UPDRAFT_PROSE_UPDATE=1</c> writes smaller numbers, and moves a number from a deleted file to a new one.
/// </summary>
/// <param name="Rules">Rules that the list knows; a new rule may start with the violations that exist.</param>
/// <param name="Counts">Allowed violations by file and rule.</param>
internal sealed record ProseAllowance(IReadOnlySet<string> Rules, IReadOnlyDictionary<(string File, string Rule), int> Counts)
{
    private const string RulesMark = "# rules: ";
    private static readonly Lock Updates = new();

    private static string ListPath => Path.Join(ProseTree.Root, "tests/Updraft.Server.Tests/Conventions/prose-allowed.txt");

    /// <summary>Fails unless the violations are exactly the allowed ones.</summary>
    /// <param name="rules">The rules that were checked.</param>
    /// <param name="hits">All violations of these rules.</param>
    public static void Hold(IReadOnlyCollection<string> rules, IEnumerable<ProseHit> hits)
    {
        var all = hits.ToList();
        ProseAllowance allowance;
        lock (Updates)
        {
            allowance = Parse(File.Exists(ListPath) ? File.ReadAllText(ListPath) : "");
            if (Environment.GetEnvironmentVariable("UPDRAFT_PROSE_UPDATE") == "1")
            {
                allowance = allowance.Shrink(rules, all, ProseTree.Exists);
                File.WriteAllText(ListPath, allowance.ToString());
            }
        }
        var problems = allowance.Compare(rules, all);
        Assert.True(problems.Count == 0, string.Join('\n', problems));
    }

    public static ProseAllowance Parse(string text)
    {
        var (rules, counts) = (new HashSet<string>(StringComparer.Ordinal), new Dictionary<(string, string), int>());
        foreach (var line in text.Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.StartsWith(RulesMark, StringComparison.Ordinal))
                rules.UnionWith(line[RulesMark.Length..].Split(' '));
            else if (line[0] != '#' && line.Split(' ') is [var rule, var file, var count])
                counts.Add((file, rule), int.Parse(count, CultureInfo.InvariantCulture));
        }
        return new ProseAllowance(rules, counts);
    }

    public override string ToString() => string.Join('\n',
        (string[])[
            "# Violations of the prose rules in texts that are older than the rules: rule, file, count. The numbers only shrink.",
            "# After you corrected a text, write the smaller numbers: UPDRAFT_PROSE_UPDATE=1 ./test 'Prose*'. New pages get no entry.",
            RulesMark + string.Join(' ', Rules.Order(StringComparer.Ordinal)),
            .. Counts.Where(entry => entry.Value > 0).OrderBy(entry => entry.Key.File, StringComparer.Ordinal).ThenBy(entry => entry.Key.Rule, StringComparer.Ordinal)
                .Select(entry => string.Create(CultureInfo.InvariantCulture, $"{entry.Key.Rule} {entry.Key.File} {entry.Value}")),
        ]) + "\n";

    /// <summary>The differences between the violations and the list, one a line.</summary>
    public IReadOnlyList<string> Compare(IReadOnlyCollection<string> rules, IReadOnlyCollection<ProseHit> hits)
    {
        var found = hits.ToLookup(hit => (hit.File, hit.Rule));
        var problems = new List<string>();
        foreach (var group in found.Where(group => group.Count() > Counts.GetValueOrDefault(group.Key)).OrderBy(group => group.Key.File, StringComparer.Ordinal))
        {
            if (Counts.TryGetValue(group.Key, out var count))
                problems.Add($"{group.Key.File} has {group.Count()} violations of {group.Key.Rule}, and {count} are allowed:");
            problems.AddRange(group.OrderBy(hit => hit.Line).Select(hit => hit.ToString()));
        }
        problems.AddRange(from entry in Counts
                          where rules.Contains(entry.Key.Rule, StringComparer.Ordinal) && found[entry.Key].Count() < entry.Value
                          select $"{entry.Key.File} has {found[entry.Key].Count()} violations of {entry.Key.Rule}, and {entry.Value} are allowed. "
                              + "Set UPDRAFT_PROSE_UPDATE=1 once to shrink the list.");
        return problems;
    }

    /// <summary>The list with smaller numbers.</summary>
    public ProseAllowance Shrink(IReadOnlyCollection<string> rules, IReadOnlyCollection<ProseHit> hits, Func<string, bool> exists)
    {
        var counts = Counts.Where(entry => !rules.Contains(entry.Key.Rule, StringComparer.Ordinal)).ToDictionary();
        // A file that was moved or split brings its number along, and no more.
        var freed = Counts.Where(entry => !exists(entry.Key.File)).GroupBy(entry => entry.Key.Rule, StringComparer.Ordinal)
            .ToDictionary(group => group.Key, group => group.Sum(entry => entry.Value), StringComparer.Ordinal);
        foreach (var group in hits.GroupBy(hit => (hit.File, hit.Rule)).OrderBy(group => group.Key.File, StringComparer.Ordinal))
        {
            var isPage = group.Key.File.EndsWith(".md", StringComparison.Ordinal);
            if (Counts.TryGetValue(group.Key, out var allowed))
                counts[group.Key] = Math.Min(allowed, group.Count());
            else if (!isPage && !Rules.Contains(group.Key.Rule))
                counts[group.Key] = group.Count();
            else if (!isPage && freed.GetValueOrDefault(group.Key.Rule) is var rest and > 0)
                (counts[group.Key], freed[group.Key.Rule]) = (Math.Min(rest, group.Count()), rest - Math.Min(rest, group.Count()));
        }
        return new ProseAllowance(Rules.Union(rules).ToHashSet(StringComparer.Ordinal), counts);
    }
}
