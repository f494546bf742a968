using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>A runtime that a Deployment or an image has.</summary>
/// <param name="Version">The version.</param>
/// <param name="Airflow">Airflow version of an image with it; empty if unknown.</param>
/// <param name="Since">The time at which the server saw it first.</param>
internal sealed record SeenRuntime(string Version, string Airflow, DateTimeOffset Since);

/// <summary>
/// Reads the runtimes of the images of Deployments. It is a delegate, because Images, which implements it, depends on Deployments.
/// </summary>
internal delegate Task<IReadOnlyList<SeenRuntime>> ReadImageRuntimes(IQueryable<Deployment> deployments,
    CancellationToken cancellationToken);

/// <summary>The runtimes of the setting, and those that the server has seen.</summary>
internal sealed class KnownRuntimes(UpdraftDbContext db, IOptions<RuntimeOptions> options, ReadImageRuntimes readImageRuntimes)
{
    private const string UnknownAirflow = "NA", Stable = "stable", Expected = "expected";
    private const int MaxVersion = 64;

    private static readonly Regex VersionPattern = new(@"^[A-Za-z0-9][A-Za-z0-9._+-]*\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    /// <summary>
    /// Versions that exist, newest first; then the numbers that a series expects next, because the <c>astro</c> CLI deploys an image only
    /// if its exact version is in the list. Others choose the first stable version.
    /// </summary>
    public async Task<IReadOnlyList<RuntimeReleaseResponse>> ListAsync(Subject subject, CancellationToken cancellationToken)
    {
        var (entries, seen) = (options.Value.List(), await SeenAsync(subject, cancellationToken));
        var bySeries = seen.ToLookup(runtime => options.Value.Find(runtime.Version));
        List<RuntimeReleaseResponse> stable = [], expected = [];
        foreach (var entry in entries)
        {
            var runtimes = bySeries[entry].ToDictionary(runtime => runtime.Version, runtime => runtime.Airflow, StringComparer.Ordinal);
            if (entry.First() is { } first)
                runtimes.TryAdd(first, entry.Airflow);
            stable.AddRange(runtimes.OrderByDescending(runtime => RuntimeVersion.Read(runtime.Key))
                .Select(runtime => Release(runtime.Key, runtime.Value.Length > 0 ? runtime.Value : entry.Airflow, entry.Date, Stable)));
            expected.AddRange(entry.Expect(runtimes.Keys).Where(version => !runtimes.ContainsKey(version))
                .Select(version => Release(version, entry.Airflow, entry.Date, Expected)));
        }
        stable.AddRange(bySeries[null].OrderByDescending(runtime => runtime.Since).Select(runtime =>
            Release(runtime.Version, runtime.Airflow.Length > 0 ? runtime.Airflow : UnknownAirflow, runtime.Since, Stable)));
        var listed = stable.Select(release => release.Version).ToHashSet(StringComparer.Ordinal);
        return [.. stable, .. expected.Where(release => listed.Add(release.Version))];
    }

    /// <summary>Reads the runtime of a Deployment without an image from a request; empty if the request has none.</summary>
    /// <exception cref="ApiException">
    /// 400: the text is not a version, or no entry includes it and no visible Deployment or image has it.
    /// </exception>
    public async Task<string> ReadAsync(Subject subject, string? requested, CancellationToken cancellationToken)
    {
        var version = requested ?? "";
        if (version.Length > MaxVersion || (version.Length > 0 && !VersionPattern.IsMatch(version)))
            throw ApiException.BadRequest("'astroRuntimeVersion' must be a version such as 3.3-1 or 13.1.0.");
        if (version.Length == 0 || options.Value.Find(version) is not null)
            return version;
        var seen = await SeenAsync(subject, cancellationToken);
        if (seen.All(runtime => runtime.Version != version))
        {
            throw new ApiException(DeploymentErrors.UnknownRuntime,
                $"'astroRuntimeVersion' is '{ApiException.Shorten(version)}', which is not a known runtime. Use one of "
                + $"{string.Join(", ", options.Value.List().Select(entry => entry.Version))}, or omit it. "
                + "An operator can add versions to the setting Runtimes:Releases.");
        }
        return version;
    }

    private async Task<IReadOnlyList<SeenRuntime>> SeenAsync(Subject subject, CancellationToken cancellationToken)
    {
        var deployments = DeploymentQueries.Visible(db, subject, subject.Organization);
        var rows = await deployments.Where(row => row.RuntimeVersion != "").GroupBy(row => row.RuntimeVersion)
            .Select(group => new
            {
                Version = group.Key,
                Airflow = group.Max(row => row.AirflowVersion),
                Since = group.Min(row => row.CreatedAt),
            })
            .ToListAsync(cancellationToken);
        var images = await readImageRuntimes(deployments, cancellationToken);
        return
        [
            .. rows.Select(row => new SeenRuntime(row.Version, row.Airflow ?? "", row.Since)).Concat(images)
                .GroupBy(runtime => runtime.Version, StringComparer.Ordinal)
                .Select(group => new SeenRuntime(group.Key, group.Max(runtime => runtime.Airflow)!, group.Min(runtime => runtime.Since))),
        ];
    }

    private static RuntimeReleaseResponse Release(string version, string airflow, DateTimeOffset date, string channel) => new()
    {
        Version = version,
        AirflowVersion = airflow,
        ReleaseDate = date,
        Channel = channel,
    };
}
