using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Deploys;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.DeploymentLog;

/// <summary>
/// Builds the log of a Deployment from existing rows: deploys that were created, finalized, failed or rolled back, and agents that
/// enrolled, with their last report. Updraft writes no rows for it. Each line contains its level, because the astro CLI filters by
/// this text.
/// </summary>
internal sealed class ReadDeploymentLog(UpdraftDbContext db)
{
    private const string Information = "INFO", Error = "ERROR";

    /// <summary>A page, newest entries first.</summary>
    public async Task<DeploymentLogResponse> RunAsync(DeploymentId deployment, LogSearch search, CancellationToken cancellationToken)
    {
        var entries = await OfDeploysAsync(deployment, search, cancellationToken);
        entries.AddRange(await OfAgentsAsync(deployment, cancellationToken));
        IReadOnlyList<DeploymentLogEntryResponse> page =
        [
            .. entries.Where(entry => search.Span.Contains(entry.Time) && search.Sources.Contains(entry.Source))
                .Select(entry => (entry.Time, Response: ToResponse(entry)))
                .Where(entry => entry.Response.Raw.Contains(search.Text, StringComparison.OrdinalIgnoreCase))
                .OrderByDescending(entry => entry.Time).ThenByDescending(entry => entry.Response.Raw, StringComparer.Ordinal)
                .Take(search.MaxResults).Skip(search.Offset).Take(search.Limit).Select(entry => entry.Response),
        ];
        return new DeploymentLogResponse
        {
            Limit = search.Limit,
            MaxNumResults = search.MaxResults,
            Offset = search.Offset,
            ResultCount = page.Count,
            Results = page,
            SearchId = search.Span.ToString(),
        };
    }

    private async Task<List<Entry>> OfDeploysAsync(DeploymentId deployment, LogSearch search, CancellationToken cancellationToken)
    {
        var (from, to) = search.Span;
        // A deploy changes after its creation, so a deploy from before the time span may have entries in it.
        var rows = await (from deploy in db.Deploys.AsNoTracking()
                          where deploy.DeploymentId == deployment && deploy.CreatedAt <= to && deploy.UpdatedAt >= @from
                          join revision in db.Revisions.AsNoTracking()
                              on new { deploy.DeploymentId, Number = deploy.Revision }
                              equals new { revision.DeploymentId, Number = (long?)revision.Number } into revisions
                          from revision in revisions.DefaultIfEmpty()
                          orderby deploy.Number descending
                          select new { Deploy = deploy, Revised = revision == null ? (DateTimeOffset?)null : revision.CreatedAt })
            .Take(search.MaxResults).ToListAsync(cancellationToken);
        var entries = new List<Entry>(2 * rows.Count);
        foreach (var row in rows)
        {
            var deploy = row.Deploy;
            var name = $"Deploy {deploy.Id} ({deploy.Type.Name()})";
            var isRollback = deploy.RollbackFromId is not null;
            entries.Add(new(deploy.CreatedAt, Information, "scheduler", isRollback
                ? $"{name} was created by {Show(deploy.CreatedBy)} to roll back to deploy {deploy.RollbackFromId}"
                : $"{name} was created by {Show(deploy.CreatedBy)}"));
            if (row.Revised is { } revised)
                entries.Add(new(revised, Information, "scheduler", isRollback
                    ? $"{name} rolled back: revision {deploy.Revision} is the desired revision"
                    : $"{name} was finalized: revision {deploy.Revision} is the desired revision"));
            if (deploy.Status == DeployStatus.Failed)
                entries.Add(new(deploy.UpdatedAt, Error, "scheduler", deploy.StatusReason is { } reason
                    ? $"{name} failed: {reason}" : $"{name} failed"));
        }
        return entries;
    }

    private async Task<List<Entry>> OfAgentsAsync(DeploymentId deployment, CancellationToken cancellationToken)
    {
        var agents = await db.Agents.AsNoTracking().Where(agent => agent.DeploymentId == deployment)
            .Select(agent => new
            {
                agent.Component,
                agent.Host,
                agent.AgentVersion,
                agent.EnrolledAt,
                agent.ReportedAt,
                agent.Phase,
                agent.Revision,
                agent.Message,
            })
            .ToListAsync(cancellationToken);
        var entries = new List<Entry>(2 * agents.Count);
        foreach (var agent in agents)
        {
            var source = LogSearch.AllSources.Contains(agent.Component) ? agent.Component : "scheduler";
            var name = $"Agent {agent.Component} on {agent.Host}";
            entries.Add(new(agent.EnrolledAt, Information, source, $"{name} enrolled, version {agent.AgentVersion}"));
            if (agent is { ReportedAt: { } reported, Phase: { } phase })
                entries.Add(new(reported, phase == AgentPhase.Failed ? Error : Information, source, $"{name} reported revision {agent.Revision} as {phase.ToString().ToUpperInvariant()}"
                    + (string.IsNullOrEmpty(agent.Message) ? "" : $": {agent.Message}")));
        }
        return entries;
    }

    private static string Show(SubjectProfile subject) => $"{(subject.Kind == SubjectKind.User ? "user" : "token")} {subject.Name}";

    private static DeploymentLogEntryResponse ToResponse(Entry entry) => new()
    {
        Raw = $"{entry.Time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {entry.Level} {entry.Text}",
        Source = entry.Source,
        Timestamp = entry.Time.ToUnixTimeMilliseconds(),
    };

    private sealed record Entry(DateTimeOffset Time, string Level, string Source, string Text);
}
