using System.Globalization;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys.Steps;

/// <summary>
/// The steps of one agent: prepare the trees, check them and let the image run, then let Airflow see them. An agent tries again what
/// failed, unless it has given up.
/// </summary>
internal static class AgentSteps
{
    public const string Pending = "PENDING", Running = "RUNNING", Completed = "COMPLETED", Failed = "FAILED", UpForRetry = "UP_FOR_RETRY";

    public static IEnumerable<DeployStep> Of(RevisionReport report, Revision revision)
    {
        var (prepared, active) = (report.PreparedAt, report.ActiveAt);
        yield return Step(report, "prepared", $"Prepared by {report.Component} on {report.Host}", revision.CreatedAt, revision.CreatedAt, prepared,
            prepared is null ? null : string.Create(CultureInfo.InvariantCulture,
                $"{report.Component} on {report.Host} has the files, after {report.FetchedBytes} bytes and {report.Milliseconds:0} ms."));
        foreach (var step in (report.Steps ?? []).OrderBy(step => step.StartedAt))
            yield return Own(report, step, revision);
        yield return Step(report, "activated", $"Activated by {report.Component} on {report.Host}", prepared ?? revision.CreatedAt, prepared, active,
            active is null ? null : $"Airflow sees the files at {report.Component} on {report.Host}.");
    }

    private static DeployStep Own(RevisionReport report, StepReport step, Revision revision) => new(new()
    {
        // The id is a segment of an address.
        Id = $"{step.Name.Replace('/', ':')}-{report.AgentId}",
        Label = $"{What(step.Name)} by {report.Component} on {report.Host}",
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

    private static string What(string name) => name.Split('/', 2) switch
    {
        ["check", var mount] => $"{mount} checked",
        ["image"] => "Image rolled out",
        ["image", var workload] => $"Image rolled out to {workload}",
        ["image-restore"] => "Image before brought back",
        ["image-restore", var workload] => $"Image before brought back to {workload}",
        _ => name,
    };

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
            Status = endedAt is not null ? Completed : failedAt is not null ? (report.HasGivenUp ? Failed : UpForRetry) : startedAt is not null ? Running : Pending,
            EmitsLogs = true,
            CreatedAt = createdAt,
            StartedAt = startedAt,
            EndedAt = endedAt,
            UpdatedAt = endedAt ?? failedAt ?? startedAt ?? createdAt,
        }, log);
    }
}
