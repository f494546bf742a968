using System.Globalization;
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
    /// <summary>Sets the override; it replaces an earlier one.</summary>
    /// <exception cref="ApiException">400: not in development mode, or a field is invalid. 404: no such Deployment.</exception>
    public async Task<DeploymentHibernationOverride> SetAsync(Subject subject, DeploymentId id,
        OverrideDeploymentHibernationRequest request, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (request.IsHibernating is null)
            throw ApiException.BadRequest("'isHibernating' is missing; it must be true or false.");
        if (request.OverrideUntil <= now)
            throw ApiException.BadRequest("'overrideUntil' is in the past; set a later time, or omit it.");
        var @override = new DeploymentHibernationOverride { IsHibernating = request.IsHibernating, OverrideUntil = request.OverrideUntil };
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
            ("overrideUntil", @override?.OverrideUntil?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}

/// <summary>Derives the hibernation fields of responses. Schedules are stored only; they never start or end hibernation.</summary>
internal static class Hibernation
{
    /// <summary>Null for an empty spec, because clients expect no object then.</summary>
    public static DeploymentScalingSpec? SpecOrNull(DeploymentHibernationSpec? spec) => spec is null or { Override: null, Schedules: null }
        ? null : new DeploymentScalingSpec { HibernationSpec = spec };

    public static bool IsActive(DeploymentHibernationOverride @override, DateTimeOffset now) =>
        @override.OverrideUntil is null || @override.OverrideUntil > now;

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
                NextEventAt = isHibernating
                    ? active?.OverrideUntil?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null,
                NextEventType = isHibernating && active?.OverrideUntil is not null ? "WAKE" : null,
                Reason = active is null ? null : "An override is active.",
            },
        };
    }
}
