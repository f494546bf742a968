using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Deployments;

/// <summary>The runtimes that clients can deploy.</summary>
internal sealed class RuntimeOptions : IValidatableObject
{
    public const string Section = "Runtimes";

    private IReadOnlyList<RuntimeEntry>? _list;

    /// <summary>
    /// Runtime versions with their Airflow version and release date, in any order. A version that ends in <c>*</c> is a series, such as
    /// <c>3.3-*</c> or <c>13.*</c>. Its Airflow version and date are those of its first release. A new Deployment can have a runtime that
    /// an entry includes, or that a Deployment or image already has. The <c>astro</c> CLI deploys an image only if the server lists its
    /// runtime. The server lists the entries, the runtimes of Deployments and images, and the next 20 numbers of each series. The entry
    /// <c>*=NA@2000-01-01</c> includes all versions. The default has the release dates of the Airflow versions.
    /// </summary>
    /// <value>one or more entries <c>VERSION=AIRFLOW@YYYY-MM-DD</c>, separated by spaces</value>
    [Required]
    public string Releases { get; set; } = "3.3-*=3.3.0@2026-07-06 3.2-*=3.2.0@2026-04-07 3.1-*=3.1.0@2025-09-25 13.*=2.11.0@2025-05-20 "
        + "3.0-*=3.0.0@2025-04-22 12.*=2.10.0@2024-08-08 11.*=2.9.0@2024-04-08";

    /// <summary>The entries, newest first. Call it after the settings are complete.</summary>
    public IReadOnlyList<RuntimeEntry> List() => _list ??=
    [
        .. Entries().Select(RuntimeEntry.Read).OfType<RuntimeEntry>().Distinct().OrderByDescending(entry => entry.Date),
    ];

    /// <summary>The entry that includes a version, the most exact one first. Null if there is none.</summary>
    public RuntimeEntry? Find(string version) => version.Length == 0 ? null
        : List().OrderByDescending(entry => entry.Exactness).FirstOrDefault(entry => entry.Includes(version));

    /// <summary>The Airflow version if it is known: from the image, or else from the runtime.</summary>
    /// <param name="airflow">The version in the image; empty if unknown.</param>
    /// <param name="runtime">The runtime; empty if unknown.</param>
    /// <param name="unknown">The result if neither tells the version.</param>
    public string AirflowOr(string unknown, string airflow, string runtime) =>
        airflow.Length > 0 ? airflow : Find(runtime)?.Airflow ?? unknown;

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        var entries = Entries();
        if (entries.Length == 0 || entries.Any(entry => RuntimeEntry.Read(entry) is null))
        {
            yield return new ValidationResult(
                "Runtimes:Releases must be entries such as 13.0.0=2.11.0@2025-05-20 or 3.3-*=3.3.0@2026-07-06, separated by spaces.");
        }
    }

    private string[] Entries() => Releases.Split(' ', StringSplitOptions.RemoveEmptyEntries);
}
