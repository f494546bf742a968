using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>A filter of the deploy history. Null fields do not filter; all others must match.</summary>
/// <param name="Type">The type.</param>
/// <param name="Status">The status.</param>
/// <param name="Creator">A part of the creator's name or full name, or their whole id.</param>
/// <param name="Text">
/// A part of the description, image tag, mount path, DAG bundle name or git block; or the whole id of the deploy.
/// </param>
internal sealed record DeployFilter(DeployType? Type, DeployStatus? Status, string? Creator, string? Text);

/// <summary>A deploy with the times of its rollout.</summary>
public sealed record PastDeploy
{
    internal PastDeploy(Deploy deploy, DateTimeOffset? finalizedAt, DateTimeOffset? activeAt) =>
        (Deploy, FinalizedAt, ActiveAt) = (deploy, finalizedAt, activeAt);

    internal Deploy Deploy { get; }

    /// <summary>Null before finalize.</summary>
    public DateTimeOffset? FinalizedAt { get; }

    /// <summary>When the last agent activated the revision; null if an agent has not, or if no report is stored.</summary>
    public DateTimeOffset? ActiveAt { get; }

    /// <summary>Time from finalize until the last agent activated the revision; null if one of the times is.</summary>
    public TimeSpan? TimeToActive => ActiveAt - FinalizedAt;
}

/// <summary>A deploy in a chart.</summary>
/// <param name="Id">The deploy.</param>
/// <param name="Number">Its number in the history.</param>
/// <param name="Status">Its status.</param>
/// <param name="IsRollback">Whether it is a rollback.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="TimeToActive">As <see cref="PastDeploy.TimeToActive"/>.</param>
public sealed record ChartedDeploy(DeployId Id, long Number, DeployStatus Status, bool IsRollback, DateTimeOffset CreatedAt,
    TimeSpan? TimeToActive);

/// <summary>A page of a history, newest deploy first.</summary>
/// <param name="Deploys">The deploys of the page.</param>
/// <param name="Older">The next page contains deploys below this number; null on the last page.</param>
/// <param name="Newest">The desired revision of the Deployment.</param>
/// <param name="Count">The number of all deploys of the Deployment, without the filter.</param>
public sealed record HistoryPage(IReadOnlyList<PastDeploy> Deploys, long? Older, long Newest, long Count);

/// <summary>
/// Reads the deploy history of a Deployment. Pages go by number and need no count, so the cost of a page does not grow with the history.
/// </summary>
internal sealed class DeployHistory(UpdraftDbContext db)
{
    private const int MaxForCharts = 1000, MaxTimed = 100;

    /// <summary>A page of the history.</summary>
    /// <param name="id">The Deployment.</param>
    /// <param name="filter">The deploys to return.</param>
    /// <param name="below">Only deploys with a smaller number; null for the first page.</param>
    /// <param name="limit">The maximum number of deploys on the page.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<HistoryPage> ReadAsync(DeploymentId id, DeployFilter filter, long? below, int limit,
        CancellationToken cancellationToken)
    {
        var deployment = await db.Deployments.AsNoTracking().Where(row => row.Id == id && row.DeletedAt == null)
            .Select(row => new { row.Revision, row.DeployCount }).SingleOrDefaultAsync(cancellationToken)
            ?? throw ApiException.NotFound("Deployment", id.Value);
        var rows = Matching(id, filter);
        if (below is { } number)
            rows = rows.Where(row => row.Number < number);
        var deploys = await rows.AsNoTracking().OrderByDescending(row => row.Number).Take(limit + 1).ToListAsync(cancellationToken);
        var older = deploys.Count > limit ? deploys[limit - 1].Number : (long?)null;
        return new(await TimesAsync(id, [.. deploys.Take(limit)], cancellationToken), older, deployment.Revision, deployment.DeployCount);
    }

    /// <summary>The last finalized deploys, newest first: users compare a deploy with one of these.</summary>
    public Task<List<Deploy>> FinalizedAsync(DeploymentId id, int limit, CancellationToken cancellationToken) => db.Deploys.AsNoTracking()
        .Where(row => row.DeploymentId == id && row.Status == DeployStatus.Deployed)
        .OrderByDescending(row => row.Number).Take(limit).ToListAsync(cancellationToken);

    /// <summary>The deploys since a time, oldest first; at most the newest 1,000.</summary>
    public async Task<IReadOnlyList<ChartedDeploy>> SinceAsync(DeploymentId id, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var count = await db.Deployments.Where(row => row.Id == id).Select(row => (long?)row.DeployCount)
            .SingleOrDefaultAsync(cancellationToken);
        if (count is null)
            return [];
        var first = count.Value - MaxForCharts;
        var deploys = await db.Deploys.Where(row => row.DeploymentId == id && row.Number > first && row.CreatedAt >= since)
            .OrderBy(row => row.Number)
            .Select(row => new { row.Id, row.Number, row.Status, row.RollbackFromId, row.CreatedAt, row.Revision })
            .ToListAsync(cancellationToken);
        // The database keeps reports for no more revisions.
        var timed = deploys.TakeLast(MaxTimed).Where(row => row.Revision is not null).Select(row => row.Revision!.Value).ToList();
        var times = await TimesAsync(id, timed, cancellationToken);
        return [.. deploys.Select(row => new ChartedDeploy(row.Id, row.Number, row.Status, row.RollbackFromId is not null, row.CreatedAt,
            row.Revision is { } revision && times.TryGetValue(revision, out var at) ? at.Active - at.Finalized : null))];
    }

    /// <summary>The deploy of the revision before another one; null for the first revision.</summary>
    public Task<DeployId?> BeforeAsync(DeploymentId id, long revision, CancellationToken cancellationToken) => db.Revisions
        .Where(row => row.DeploymentId == id && row.Number == revision - 1).Select(row => (DeployId?)row.DeployId)
        .SingleOrDefaultAsync(cancellationToken);

    private IQueryable<Deploy> Matching(DeploymentId id, DeployFilter filter)
    {
        var rows = db.Deploys.Where(row => row.DeploymentId == id);
        if (filter.Type is { } type)
            rows = rows.Where(row => row.Type == type);
        if (filter.Status is { } status)
            rows = rows.Where(row => row.Status == status);
        if (filter.Creator is { Length: > 0 } creator)
        {
            rows = rows.WhereAnyContains(creator, row => row.CreatedById == creator,
                [row => row.CreatedByName, row => row.CreatedByFullName]);
        }
        if (filter.Text is { Length: > 0 } text)
        {
            var deploy = new DeployId(text);
            rows = rows.WhereAnyContains(text, row => row.Id == deploy,
                [row => row.ImageTag, row => row.Description, row => row.GitText, row => row.BundleMountPath, row => row.DagBundleName]);
        }
        return rows;
    }

    /// <summary>Adds rollout times to deploys of one Deployment.</summary>
    public async Task<IReadOnlyList<PastDeploy>> TimesAsync(DeploymentId id, List<Deploy> deploys, CancellationToken cancellationToken)
    {
        var times = await TimesAsync(id, [.. deploys.Where(row => row.Revision is not null).Select(row => row.Revision!.Value)],
            cancellationToken);
        return [.. deploys.Select(row => row.Revision is { } number && times.TryGetValue(number, out var at)
            ? new PastDeploy(row, at.Finalized, at.Active) : new PastDeploy(row, null, null))];
    }

    private async Task<Dictionary<long, (DateTimeOffset Finalized, DateTimeOffset? Active)>> TimesAsync(DeploymentId id,
        List<long> revisions, CancellationToken cancellationToken)
    {
        if (revisions.Count == 0)
            return [];
        var (min, max) = (revisions.Min(), revisions.Max());
        var finalized = await db.Revisions
            .Where(row => row.DeploymentId == id && row.Number >= min && row.Number <= max && revisions.Contains(row.Number))
            .Select(row => new { row.Number, row.CreatedAt }).ToListAsync(cancellationToken);
        var active = (await db.RevisionReports.Where(row => row.DeploymentId == id && row.Revision >= min && row.Revision <= max)
            .Select(row => new { row.Revision, row.ActiveAt }).ToListAsync(cancellationToken))
            .ToLookup(row => row.Revision, row => row.ActiveAt);
        return finalized.ToDictionary(row => row.Number,
            row => (row.CreatedAt, active[row.Number].Any(at => at is null) ? null : active[row.Number].Max()));
    }
}
