using System.Globalization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Events;
using Updraft.Server.Security;

namespace Updraft.Server.Deployments;

/// <summary>Says that a Deployment sleeps or is awake for a while, or takes that back. It is told to clients; agents keep running.</summary>
internal sealed class OverrideHibernation(UpdraftDbContext db, TimeProvider clock, EventLog events)
{
    /// <summary>Sets the decision; it replaces the one before.</summary>
    /// <exception cref="ApiException">400: not a development Deployment, or a bad field. 404: no such Deployment.</exception>
    public async Task<DeploymentHibernationOverride> SetAsync(Subject subject, DeploymentId id,
        OverrideDeploymentHibernationRequest request, CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        if (request.IsHibernating is null)
            throw ApiException.BadRequest("'isHibernating' is missing; true to sleep, false to be awake.");
        if (request.OverrideUntil <= now)
            throw ApiException.BadRequest("'overrideUntil' is over already; give a later time, or none.");
        var decision = new DeploymentHibernationOverride { IsHibernating = request.IsHibernating, OverrideUntil = request.OverrideUntil };
        await WriteAsync(subject, id, decision, now, cancellationToken);
        return Hibernation.Shown(decision, now);
    }

    /// <summary>Takes the decision back; nothing happens when there is none.</summary>
    /// <exception cref="ApiException">400: not a development Deployment. 404: no such Deployment.</exception>
    public Task RemoveAsync(Subject subject, DeploymentId id, CancellationToken cancellationToken) =>
        WriteAsync(subject, id, decision: null, clock.GetUtcNow(), cancellationToken);

    private async Task WriteAsync(Subject subject, DeploymentId id, DeploymentHibernationOverride? decision, DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(id, cancellationToken);
        if (!deployment.Settings.IsDevelopmentMode)
            throw ApiException.BadRequest("Only a Deployment in development mode hibernates; set 'isDevelopmentMode' first.");
        var spec = (deployment.Settings.ScalingSpec?.HibernationSpec ?? new DeploymentHibernationSpec()) with { Override = decision };
        deployment.Settings = deployment.Settings with { ScalingSpec = Hibernation.SpecOrNull(spec) };
        (deployment.UpdatedAt, deployment.UpdatedBy) = (now, subject.Profile);
        events.Record(decision is null ? EventTypes.HibernationResumed : EventTypes.HibernationOverridden, subject.Profile, deployment.Place(), deployment.Target(),
            ("isHibernating", decision?.IsHibernating switch { null => null, true => "true", false => "false" }),
            ("overrideUntil", decision?.OverrideUntil?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture)));
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
    }
}

/// <summary>What follows from the decisions about sleep. Schedules are only kept: nothing here wakes up by itself.</summary>
internal static class Hibernation
{
    /// <summary>A spec in which something is said; null otherwise, since clients compare with nothing.</summary>
    public static DeploymentScalingSpec? SpecOrNull(DeploymentHibernationSpec? spec) => spec is null or { Override: null, Schedules: null }
        ? null : new DeploymentScalingSpec { HibernationSpec = spec };

    /// <summary>Whether a decision counts at a time.</summary>
    public static bool IsActive(DeploymentHibernationOverride decision, DateTimeOffset now) =>
        decision.OverrideUntil is null || decision.OverrideUntil > now;

    /// <summary>The decision as clients see it.</summary>
    public static DeploymentHibernationOverride Shown(DeploymentHibernationOverride decision, DateTimeOffset now) =>
        decision with { IsActive = IsActive(decision, now) };

    /// <summary>The spec as clients see it.</summary>
    public static DeploymentScalingSpec? Shown(DeploymentScalingSpec? spec, DateTimeOffset now) =>
        spec?.HibernationSpec?.Override is { } decision
            ? spec with { HibernationSpec = spec.HibernationSpec with { Override = Shown(decision, now) } }
            : spec;

    /// <summary>Whether it sleeps; null when nothing is said about that.</summary>
    public static DeploymentScalingStatus? Status(DeploymentSettings settings, DateTimeOffset now)
    {
        if (!settings.IsDevelopmentMode || settings.ScalingSpec?.HibernationSpec is not { } spec)
            return null;
        var decision = spec.Override is { } given && IsActive(given, now) ? given : null;
        var sleeps = decision?.IsHibernating == true;
        return new DeploymentScalingStatus
        {
            HibernationStatus = new DeploymentHibernationStatus
            {
                IsHibernating = sleeps,
                NextEventAt = sleeps
                    ? decision?.OverrideUntil?.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture) : null,
                NextEventType = sleeps && decision?.OverrideUntil is not null ? "WAKE" : null,
                Reason = decision is null ? null : "Somebody decided so.",
            },
        };
    }
}
