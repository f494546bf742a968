using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Text.RegularExpressions;

namespace Updraft.Server.Deployments;

/// <summary>The runtimes that clients can deploy.</summary>
internal sealed class RuntimeOptions : IValidatableObject
{
    public const string Section = "Runtimes";

    private static readonly Regex EntryPattern = new(@"^(?<version>[A-Za-z0-9][A-Za-z0-9._+-]*)=(?<airflow>[A-Za-z0-9.]+)@(?<date>[0-9-]{10})\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    /// <summary>
    /// Runtime versions with their Airflow version and release date, in any order. The <c>astro</c> CLI deploys an image only if its
    /// runtime is listed here. The server always lists the runtimes that its Deployments use already. The default has the release dates of
    /// the Airflow versions.
    /// </summary>
    /// <value>one or more entries <c>VERSION=AIRFLOW@YYYY-MM-DD</c>, separated by spaces</value>
    [Required]
    public string Releases { get; set; } = "3.3-1=3.3.0@2026-07-06 3.2-1=3.2.0@2026-04-07 3.1-1=3.1.0@2025-09-25 "
        + "13.0.0=2.11.0@2025-05-20 3.0-1=3.0.0@2025-04-22 12.0.0=2.10.0@2024-08-08";

    /// <summary>The entries, newest first.</summary>
    public IReadOnlyList<(string Version, string Airflow, DateTimeOffset Date)> List() =>
    [
        .. Releases.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Read).Where(entry => entry is not null)
            .Select(entry => entry!.Value).OrderByDescending(entry => entry.Date),
    ];

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var entries = Releases.Split(' ', StringSplitOptions.RemoveEmptyEntries);
        if (entries.Length == 0 || entries.Any(entry => Read(entry) is null))
            yield return new ValidationResult("Runtimes:Releases must be entries such as 13.0.0=2.11.0@2025-05-20, separated by spaces.");
    }

    private static (string Version, string Airflow, DateTimeOffset Date)? Read(string entry)
    {
        var match = EntryPattern.Match(entry);
        return match.Success && DateTimeOffset.TryParseExact(match.Groups["date"].Value, "yyyy-MM-dd", CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal, out var date) ? (match.Groups["version"].Value, match.Groups["airflow"].Value, date) : null;
    }
}
