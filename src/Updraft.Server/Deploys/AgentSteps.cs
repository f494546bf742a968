using System.Globalization;
using Updraft.Protocol.Api;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>The two steps of one agent: prepare the trees, then let Airflow see them. An agent tries again what failed.</summary>
internal static class AgentSteps
{
    public const string Pending = "PENDING", Running = "RUNNING", Completed = "COMPLETED", UpForRetry = "UP_FOR_RETRY";

    public static IEnumerable<DeployStep> Of(RevisionReport report, Revision revision)
    {
        var (prepared, active) = (report.PreparedAt, report.ActiveAt);
        yield return Step(report, "prepared", $"Prepared by {report.Component} on {report.Host}", revision.CreatedAt, revision.CreatedAt, prepared,
            prepared is null ? null : string.Create(CultureInfo.InvariantCulture,
                $"{report.Component} on {report.Host} has the files, after {report.FetchedBytes} bytes and {report.Milliseconds:0} ms."));
        yield return Step(report, "activated", $"Activated by {report.Component} on {report.Host}", prepared ?? revision.CreatedAt, prepared, active,
            active is null ? null : $"Airflow sees the files at {report.Component} on {report.Host}.");
    }

    private static DeployStep Step(RevisionReport report, string id, string label, DateTimeOffset createdAt, DateTimeOffset? startedAt,
        DateTimeOffset? endedAt, string? success)
    {
        // The failure belongs to the step that was going on.
        var failedAt = report.FailedAt is { } at && startedAt is { } start && at >= start && (endedAt is null || at < endedAt) ? report.FailedAt : null;
        var log = new List<DeployStepLogEntry>();
        if (failedAt is { } failed)
            log.Add(new() { Message = report.Message ?? "It failed.", Timestamp = failed });
        if (endedAt is { } ended)
            log.Add(new() { Message = success!, Timestamp = ended });
        return new(new()
        {
            Id = $"{id}-{report.AgentId}",
            Label = label,
            Status = endedAt is not null ? Completed : failedAt is not null ? UpForRetry : startedAt is not null ? Running : Pending,
            EmitsLogs = true,
            CreatedAt = createdAt,
            StartedAt = startedAt,
            EndedAt = endedAt,
            UpdatedAt = endedAt ?? failedAt ?? startedAt ?? createdAt,
        }, log);
    }
}
