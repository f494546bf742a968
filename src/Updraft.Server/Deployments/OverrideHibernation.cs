using System.Globalization;
using System.Text.RegularExpressions;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>Sets or removes the hibernation override of a Deployment. Only responses change; agents keep running.</summary>
internal sealed class OverrideHibernation(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    /// <summary>Sets the override; it replaces an earlier one. A null for <c>isHibernating</c> removes it.</summary>
    /// <param name="subject">The caller.</param>
    /// <param name="id">The Deployment.</param>
    /// <param name="request">The override.</param>
    /// <param name="sent">Names of the fields in the request, also those with the value null.</param>
    /// <exception cref="ApiException">400: not in development mode, or a field is invalid. 404: no such Deployment.</exception>
    public async Task<DeploymentHibernationOverride> SetAsync(Subject subject, DeploymentId id,
        OverrideDeploymentHibernationRequest request, IReadOnlySet<string> sent, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (!sent.Contains("isHibernating"))
            throw ApiException.BadRequest("'isHibernating' is missing; it must be true, false, or null to end the override.");
        if (request.IsHibernating is null)
        {
            await WriteAsync(subject, id, @override: null, now, cancellationToken);
            return new DeploymentHibernationOverride { IsActive = false };
        }
        if (Hibernation.ReadEnd(request.OverrideUntil, "overrideUntil") <= now)
            throw ApiException.BadRequest("'overrideUntil' is in the past; set a later time, or omit it.");
        var @override = new DeploymentHibernationOverride { IsHibernating = request.IsHibernating, OverrideUntil = request.OverrideUntil is "" ? null : request.OverrideUntil };
        await WriteAsync(subject, id, @override, now, cancellationToken);
        return Hibernation.WithIsActive(@override, now);
    }

    /// <summary>Removes the override, if there is one.</summary>
    /// <exception cref="ApiException">400: not in development mode. 404: no such Deployment.</exception>
    public Task RemoveAsync(Subject subject, DeploymentId id, CancellationToken cancellationToken) =>
        WriteAsync(subject, id, @override: null, clock.GetUtcNow(), cancellationToken);

    private async Task WriteAsync(Subject subject, DeploymentId id, DeploymentHibernationOverride? @override, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(id, cancellationToken);
        if (!deployment.Settings.IsDevelopmentMode)
        {
            throw new ApiException(DeploymentErrors.NotInDevelopmentMode,
                "Only a Deployment in development mode can hibernate; set 'isDevelopmentMode' to true first.");
        }
        var spec = (deployment.Settings.ScalingSpec?.HibernationSpec ?? new DeploymentHibernationSpec()) with { Override = @override };
        deployment.Settings = deployment.Settings with { ScalingSpec = Hibernation.SpecOrNull(spec) };
        (deployment.UpdatedAt, deployment.UpdatedBy) = (now, subject.Profile);
        events.Record(@override is null ? EventTypes.HibernationResumed : EventTypes.HibernationOverridden, subject.Profile,
            deployment.Scope(), deployment.Target(),
            ("isHibernating", @override?.IsHibernating switch { null => null, true => "true", false => "false" }),
            ("overrideUntil", @override is null ? null : Hibernation.EndInUtc(@override)));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}

/// <summary>Derives the hibernation fields of responses. Schedules are stored only; they never start or end hibernation.</summary>
internal static partial class Hibernation
{
    /// <summary>Null for an empty spec, because clients expect no object then.</summary>
    public static DeploymentScalingSpec? SpecOrNull(DeploymentHibernationSpec? spec) => spec is null or { Override: null, Schedules: null }
        ? null : new DeploymentScalingSpec { HibernationSpec = spec };

    public static bool IsActive(DeploymentHibernationOverride @override, DateTimeOffset now) =>
        EndOf(@override) is not { } end || end > now;

    /// <summary>The time of a text as RFC 3339; null for none.</summary>
    /// <exception cref="ApiException">400: the text is no time.</exception>
    public static DateTimeOffset? ReadEnd(string? text, string field) => string.IsNullOrEmpty(text) ? null
        : text.Length <= 40 && Rfc3339.IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.None, out var end)
            ? end : throw ApiException.BadRequest($"'{field}' must be a time as RFC 3339, such as 2030-01-01T00:00:00Z.");

    /// <summary>The end in UTC and whole seconds, as other fields and events have it; null for none.</summary>
    public static string? EndInUtc(DeploymentHibernationOverride @override) =>
        EndOf(@override)?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    private static DateTimeOffset? EndOf(DeploymentHibernationOverride @override) => ReadEnd(@override.OverrideUntil, "overrideUntil");

    [GeneratedRegex("^[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?([Zz]|[+-][0-9]{2}:[0-9]{2})$",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant)]
    private static partial Regex Rfc3339 { get; }

    /// <summary>Adds <c>isActive</c>, which is not stored.</summary>
    public static DeploymentHibernationOverride WithIsActive(DeploymentHibernationOverride @override, DateTimeOffset now) =>
        @override with { IsActive = IsActive(@override, now) };

    /// <summary>Adds <c>isActive</c>, which is not stored.</summary>
    public static DeploymentScalingSpec? WithIsActive(DeploymentScalingSpec? spec, DateTimeOffset now) =>
        spec?.HibernationSpec?.Override is { } @override
            ? spec with { HibernationSpec = spec.HibernationSpec with { Override = WithIsActive(@override, now) } }
            : spec;

    /// <summary>Whether the Deployment hibernates; null without a spec, and outside development mode.</summary>
    public static DeploymentScalingStatus? Status(DeploymentSettings settings, DateTimeOffset now)
    {
        if (!settings.IsDevelopmentMode || settings.ScalingSpec?.HibernationSpec is not { } spec)
            return null;
        var active = spec.Override is { } @override && IsActive(@override, now) ? @override : null;
        var isHibernating = active?.IsHibernating == true;
        return new DeploymentScalingStatus
        {
            HibernationStatus = new DeploymentHibernationStatus
            {
                IsHibernating = isHibernating,
                NextEventAt = isHibernating ? EndInUtc(active!) : null,
                NextEventType = isHibernating && EndOf(active!) is not null ? "WAKE" : null,
                Reason = active is null ? null : "An override is active.",
            },
        };
    }
}
