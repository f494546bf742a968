using System.Globalization;
using System.Text.RegularExpressions;

namespace Updraft.Server.Deployments;

/// <summary>
/// The version of a runtime. There are two numberings: <c>13.0.0</c>, and the newer <c>3.0-4</c>, which starts with the version of
/// Airflow 3. A suffix such as <c>-base</c> does not affect the order.
/// </summary>
internal static class RuntimeVersion
{
    private const int MaxLength = 64;

    private static readonly Regex Pattern =
        new(@"^(?<a>[0-9]{1,6})\.(?<b>[0-9]{1,6})(?<kind>[.-])(?<c>[0-9]{1,6})(?<rest>[-+.][A-Za-z0-9.+_-]*)?\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    /// <summary>Whether the first version is older. False if a version is unknown or has another form.</summary>
    public static bool IsOlder(string version, string than) =>
        Read(version) is { } left && Read(than) is { } right && left.CompareTo(right) < 0;

    /// <summary>The label of an image if it can be a version; else empty.</summary>
    public static string OfLabel(string? label) =>
        label is { Length: > 0 and <= MaxLength } && label.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '+' or '_')
            ? label : "";

    /// <summary>The numbers of a version, in an order that compares versions. Null if it has another form.</summary>
    public static (int Numbering, int A, int B, int C)? Read(string version)
    {
        var match = Pattern.Match(version);
        return match.Success ? (match.Groups["kind"].Value == "-" ? 1 : 0, Part("a"), Part("b"), Part("c")) : null;

        int Part(string name) => int.Parse(match.Groups[name].ValueSpan, NumberStyles.None, CultureInfo.InvariantCulture);
    }
}
