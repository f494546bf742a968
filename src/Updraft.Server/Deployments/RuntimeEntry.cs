using System.Globalization;
using System.Text.RegularExpressions;

namespace Updraft.Server.Deployments;

/// <summary>One entry of the setting: a version, or a series of versions.</summary>
/// <param name="Version">The version; a series ends in <c>*</c>.</param>
/// <param name="Airflow">The Airflow version; of a series, that of its first version.</param>
/// <param name="Date">The release date; of a series, that of its first version.</param>
internal sealed record RuntimeEntry(string Version, string Airflow, DateTimeOffset Date)
{
    /// <summary>How many numbers after the newest known one are listed. Clients compare exactly, so the list needs each number.</summary>
    private const int Ahead = 20;

    /// <summary>Patch versions of the older numbering that are listed for each version; there are rarely more.</summary>
    private const int Patches = 3;

    private static readonly Regex Pattern = new(
        @"^(?<version>[A-Za-z0-9][A-Za-z0-9._+-]*|([0-9]{1,6}\.([0-9]{1,6}[.-])?)?\*)=(?<airflow>[A-Za-z0-9.]+)@(?<date>[0-9-]{10})\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    private bool IsSeries => Version.EndsWith('*');

    private string Prefix => Version.TrimEnd('*');

    /// <summary>Orders entries that include the same version: the highest is the most exact one.</summary>
    public int Exactness => IsSeries ? Prefix.Length : int.MaxValue;

    /// <summary>Reads <c>VERSION=AIRFLOW@YYYY-MM-DD</c>; null if the text has another form.</summary>
    public static RuntimeEntry? Read(string text)
    {
        var match = Pattern.Match(text);
        return match.Success && DateTimeOffset.TryParseExact(match.Groups["date"].Value, "yyyy-MM-dd", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var date) ? new(match.Groups["version"].Value, match.Groups["airflow"].Value, date) : null;
    }

    /// <summary>Whether the version is this one, or of this series. A suffix such as <c>-base</c> does not matter.</summary>
    public bool Includes(string version)
    {
        if (version == Version || Version == "*")
            return true;
        if (RuntimeVersion.Read(version) is not { } numbers)
            return false;
        return IsSeries ? version.StartsWith(Prefix, StringComparison.Ordinal) : RuntimeVersion.Read(Version) == numbers;
    }

    /// <summary>The version itself, or the first one of the series; null for the series of all versions.</summary>
    public string? First() => !IsSeries ? Version : Prefix switch
    {
        "" => null,
        [.., '-'] => Prefix + "1",
        _ when HasTwoNumbers => Prefix + "0",
        _ => Prefix + "0.0",
    };

    /// <summary>Versions of the series that may exist: its first numbers, and those after the newest known version.</summary>
    public IEnumerable<string> Expect(IEnumerable<string> known)
    {
        if (!IsSeries || Prefix.Length == 0)
            return [];
        var newest = known.Select(RuntimeVersion.Read).Max();
        if (HasTwoNumbers)
            return Numbers(Prefix.EndsWith('-') ? 1 : 0, newest?.C).Select(last => Text($"{Prefix}{last}"));
        return Numbers(0, newest?.B).SelectMany(minor => Enumerable.Range(0, Patches).Select(last => Text($"{Prefix}{minor}.{last}")))
            .Concat(newest is { } at ? Enumerable.Range(at.C + 1, Patches).Select(last => Text($"{Prefix}{at.B}.{last}")) : []);
    }

    private bool HasTwoNumbers => Prefix.TrimEnd('.', '-').Contains('.', StringComparison.Ordinal);

    private static IEnumerable<int> Numbers(int first, int? newest) =>
        Enumerable.Range(first, Ahead).Concat(newest is { } at ? Enumerable.Range(at + 1, Ahead) : []).Distinct();

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
