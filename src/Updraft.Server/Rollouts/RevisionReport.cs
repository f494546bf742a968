using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata.Builders;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;

namespace Updraft.Server.Rollouts;

/// <summary>How one agent came along with one revision; for whoever looks at a deploy. Nothing is decided by it.</summary>
internal sealed class RevisionReport
{
    public required DeploymentId DeploymentId { get; init; }

    public required long Revision { get; init; }

    public required AgentId AgentId { get; init; }

    public required string Host { get; init; }

    public required string Component { get; init; }

    /// <summary>When it first said that the trees are complete.</summary>
    public DateTimeOffset? PreparedAt { get; private set; }

    /// <summary>When it first said that Airflow sees them.</summary>
    public DateTimeOffset? ActiveAt { get; private set; }

    /// <summary>When it last said that it failed.</summary>
    public DateTimeOffset? FailedAt { get; private set; }

    /// <summary>Why it failed then.</summary>
    public string? Message { get; private set; }

    /// <summary>Whether it does not try again.</summary>
    public bool HasGivenUp { get; private set; }

    /// <summary>What it did beside fetching and flipping, as it said last; null when it said nothing of it.</summary>
    public IReadOnlyList<StepReport>? Steps { get; private set; }

    public long FetchedBytes { get; private set; }

    /// <summary>How long it took to prepare.</summary>
    public double Milliseconds { get; private set; }

    /// <summary>Whether a failure is the last that was heard.</summary>
    public bool HasFailed => FailedAt > (ActiveAt ?? PreparedAt ?? DateTimeOffset.MinValue);

    /// <summary>Takes up what the agent says.</summary>
    public void Note(AgentReport report, string? message, DateTimeOffset now)
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

        /// <summary>Takes up what an agent says of the revision that it is at. Inside a write transaction.</summary>
        public async Task<RevisionReport> NoteAsync(Agent agent, AgentReport report, CancellationToken cancellationToken)
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
            row.Note(report, agent.Message, agent.LastSeenAt);
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
