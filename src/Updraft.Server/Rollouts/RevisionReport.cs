using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

/// <summary>The progress of one agent with one revision. It is for display only; no decision depends on it.</summary>
internal sealed class RevisionReport
{
    public required DeploymentId DeploymentId { get; init; }

    public required long Revision { get; init; }

    public required AgentId AgentId { get; init; }

    public required string Host { get; init; }

    public required string Component { get; init; }

    /// <summary>The first report that the trees are complete; null before.</summary>
    public DateTimeOffset? PreparedAt { get; private set; }

    /// <summary>The first report that Airflow uses the trees; null before.</summary>
    public DateTimeOffset? ActiveAt { get; private set; }

    /// <summary>The last report of a failure; null without one.</summary>
    public DateTimeOffset? FailedAt { get; private set; }

    /// <summary>The reason of the last failure; null without one.</summary>
    public string? Message { get; private set; }

    /// <summary>Whether the agent aborted the rollout and does not retry.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>Checks and image rollouts, from the last report; null if no report contained steps.</summary>
    public IReadOnlyList<StepReport>? Steps { get; private set; }

    public long FetchedBytes { get; private set; }

    /// <summary>Duration of the preparation.</summary>
    public double Milliseconds { get; private set; }

    /// <summary>Whether the last report is a failure.</summary>
    public bool HasFailed => FailedAt > (ActiveAt ?? PreparedAt ?? DateTimeOffset.MinValue);

    /// <summary>Applies a report.</summary>
    public void Apply(AgentReport report, string? message, DateTimeOffset now)
    {
        Steps = report.Steps is null ? Steps : ReportedSteps.Readable(report.Steps);
        if (report.Phase == AgentPhase.Preparing)
            return;
        HasGivenUp = report is { Phase: AgentPhase.Failed, HasGivenUp: true };
        if (report.Phase == AgentPhase.Failed)
        {
            (FailedAt, Message) = (now, message);
            return;
        }
        if (PreparedAt is null)
            (PreparedAt, FetchedBytes, Milliseconds) = (now, report.FetchedBytes, report.Milliseconds);
        if (report.Phase == AgentPhase.Active)
            ActiveAt ??= now;
    }
}

internal static class RevisionReportTable
{
    extension(UpdraftDbContext db)
    {
        public DbSet<RevisionReport> RevisionReports => db.Set<RevisionReport>();

        /// <summary>Applies the report of an agent to the row of its revision. Call it inside a write transaction.</summary>
        public async Task<RevisionReport> RecordReportAsync(Agent agent, AgentReport report, CancellationToken cancellationToken)
        {
            var row = await db.Set<RevisionReport>().FindAsync([agent.DeploymentId, report.Revision, agent.Id], cancellationToken);
            if (row is null)
            {
                row = new()
                {
                    DeploymentId = agent.DeploymentId,
                    Revision = report.Revision,
                    AgentId = agent.Id,
                    Host = agent.Host,
                    Component = agent.Component,
                };
                db.Set<RevisionReport>().Add(row);
            }
            row.Apply(report, agent.Message, agent.LastSeenAt);
            return row;
        }
    }

    internal sealed class Mapping : IEntityTypeConfiguration<RevisionReport>
    {
        public void Configure(EntityTypeBuilder<RevisionReport> builder)
        {
            builder.ToTable("revision_reports");
            builder.HasKey(row => new { row.DeploymentId, row.Revision, row.AgentId });
            builder.Property(row => row.Steps).HasJson();
            builder.Ignore(row => row.HasFailed);
        }
    }
}
