using System.Globalization;
using System.Text.RegularExpressions;

namespace Updraft.Server.Tests.Conventions;

/// <summary>Words per 1,000 words of prose.</summary>
/// <param name="Name">Name of the group of pages.</param>
/// <param name="Words">All words.</param>
/// <param name="What"><c>what</c> and <c>whatever</c>; at most 2.</param>
/// <param name="Whoever"><c>whoever</c>, <c>nobody</c> and their kin; at most 0.2.</param>
/// <param name="You"><c>you</c> and <c>your</c>; at least 8.</param>
/// <param name="Semicolons">At most 3.</param>
internal sealed partial record ProseStatistics(string Name, int Words, double What, double Whoever, double You, double Semicolons)
{
    public const string Header = "prose: | per 1,000 words | words | what/whatever (<= 2) | whoever/nobody/somebody (<= 0.2) | you/your (>= 8) | semicolons (<= 3) |";

    public bool IsWithinLimits => What <= 2 && Whoever <= 0.2 && You >= 8 && Semicolons <= 3;

    public static ProseStatistics Count(string name, IEnumerable<ProseMarkdown> pages)
    {
        var texts = pages.SelectMany(page => page.Units).Select(unit => unit.Text).ToList();
        var words = texts.Sum(ProseSentences.CountWords);
        return new ProseStatistics(name, words, Rate(WhatPattern), Rate(WhoeverPattern), Rate(YouPattern), Rate(SemicolonPattern));

        double Rate(Func<Regex> pattern) => words == 0 ? 0 : 1000.0 * texts.Sum(text => pattern().Count(text)) / words;
    }

    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"prose: | {Name} | {Words} | {What:0.0} | {Whoever:0.0} | {You:0.0} | {Semicolons:0.0} |");

    [GeneratedRegex(@"\bwhat(?:ever)?\b", RegexOptions.IgnoreCase)]
    private static partial Regex WhatPattern();

    [GeneratedRegex(@"\b(?:whoever|whomever|nobody|somebody|everybody)\b", RegexOptions.IgnoreCase)]
    private static partial Regex WhoeverPattern();

    [GeneratedRegex(@"\byou(?:r|rs|rself)?\b", RegexOptions.IgnoreCase)]
    private static partial Regex YouPattern();

    [GeneratedRegex(";")]
    private static partial Regex SemicolonPattern();
}
