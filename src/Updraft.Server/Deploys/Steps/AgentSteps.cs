using System.Globalization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys.Steps;

/// <summary>
/// The steps of one agent: prepare the trees, run the checks and roll out the image, then activate. An agent retries a failed step, unless
/// it aborted the rollout.
/// </summary>
internal static class AgentSteps
{
    public const string Pending = "PENDING", Running = "RUNNING", Completed = "COMPLETED", Failed = "FAILED", UpForRetry = "UP_FOR_RETRY";

    public static IEnumerable<DeployStep> Of(RevisionReport report, Revision revision)
    {
        var (prepared, active) = (report.PreparedAt, report.ActiveAt);
        yield return Step(report, "prepared", $"Prepared by {report.Component} on {report.Host}", revision.CreatedAt, revision.CreatedAt,
            prepared, prepared is null ? null : string.Create(CultureInfo.InvariantCulture,
                $"{report.Component} on {report.Host} fetched {report.FetchedBytes} bytes and built the trees in "
                + $"{report.Milliseconds:0} ms."));
        foreach (var step in (report.Steps ?? []).OrderBy(step => step.StartedAt))
            yield return Reported(report, step, revision);
        yield return Step(report, "activated", $"Activated by {report.Component} on {report.Host}", prepared ?? revision.CreatedAt,
            prepared, active,
            active is null ? null : $"{report.Component} on {report.Host} activated the revision; Airflow reads the new files.");
    }

    private static DeployStep Reported(RevisionReport report, StepReport step, Revision revision) => new(new()
    {
        // The id is a segment of a URL.
        Id = $"{step.Name.Replace('/', ':')}-{report.AgentId}",
        Label = $"{Label(step.Name)} by {report.Component} on {report.Host}",
        Status = step.Status switch
        {
            StepStatus.Running => Running,
            StepStatus.Completed => Completed,
            _ => report.HasGivenUp ? Failed : UpForRetry,
        },
        EmitsLogs = true,
        CreatedAt = revision.CreatedAt,
        StartedAt = step.StartedAt,
        EndedAt = step.EndedAt,
        UpdatedAt = step.EndedAt ?? (step.Log is [.., var last] ? last.At : step.StartedAt),
    }, [.. step.Log.Select(line => new DeployStepLogEntry { Message = line.Text, Timestamp = line.At })]);

    private static string Label(string name) => name.Split('/', 2) switch
    {
        ["check", var mount] => $"Checked {mount}",
        ["image"] => "Image rolled out",
        ["image", var workload] => $"Image rolled out to {workload}",
        ["image-restore"] => "Previous image restored",
        ["image-restore", var workload] => $"Previous image restored to {workload}",
        _ => name,
    };

    private static DeployStep Step(RevisionReport report, string id, string label, DateTimeOffset createdAt, DateTimeOffset? startedAt,
        DateTimeOffset? endedAt, string? success)
    {
        // The failure belongs to the step that was running at the time.
        var failedAt = report.FailedAt is { } at && startedAt is { } start && at >= start && (endedAt is null || at < endedAt)
            ? report.FailedAt : null;
        var log = new List<DeployStepLogEntry>();
        if (failedAt is { } failed)
            log.Add(new() { Message = report.Message ?? "The step failed.", Timestamp = failed });
        if (endedAt is { } ended)
            log.Add(new() { Message = success!, Timestamp = ended });
        return new(new()
        {
            Id = $"{id}-{report.AgentId}",
            Label = label,
            Status = endedAt is not null ? Completed : failedAt is not null ? (report.HasGivenUp ? Failed : UpForRetry)
                : startedAt is not null ? Running : Pending,
            EmitsLogs = true,
            CreatedAt = createdAt,
            StartedAt = startedAt,
            EndedAt = endedAt,
            UpdatedAt = endedAt ?? failedAt ?? startedAt ?? createdAt,
        }, log);
    }
}
