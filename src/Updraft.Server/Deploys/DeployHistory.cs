using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Rollouts;

namespace Updraft.Server.Deploys;

/// <summary>Which deploys a history is to show; null for any.</summary>
/// <param name="Type">Of this type.</param>
/// <param name="Status">With this status.</param>
/// <param name="Person">Created by somebody whose name, or id, has this in it.</param>
/// <param name="Text">With this in the description, image tag, mount path, DAG bundle's name or git block; or the deploy with this id.</param>
internal sealed record DeployFilter(DeployType? Type, DeployStatus? Status, string? Person, string? Text);

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

/// <summary>A deploy as a mark in a chart.</summary>
/// <param name="Id">The deploy.</param>
/// <param name="Number">Its number in the history.</param>
/// <param name="Status">How far it came.</param>
/// <param name="IsRollback">Whether it goes back to an earlier one.</param>
/// <param name="CreatedAt">When it was created.</param>
/// <param name="TimeToActive">From the finalize until every agent had it; null when that is not known.</param>
public sealed record ChartedDeploy(DeployId Id, long Number, DeployStatus Status, bool IsRollback, DateTimeOffset CreatedAt, TimeSpan? TimeToActive);

/// <summary>A page of a history, newest first.</summary>
/// <param name="Deploys">What is on it.</param>
/// <param name="Older">Where the next page begins: deploys below this number. Null on the last one.</param>
/// <param name="Newest">Number of the newest revision, which is what is to run.</param>
/// <param name="Count">All deploys of the Deployment, whatever is looked for.</param>
public sealed record HistoryPage(IReadOnlyList<PastDeploy> Deploys, long? Older, long Newest, long Count);

/// <summary>
/// Looks into the deploy history of a Deployment. It goes by number and counts nothing, so that a page of a hundred thousand deploys costs
/// what it shows, however far down.
/// </summary>
internal sealed class DeployHistory(UpdraftDbContext db)
{
    private const int MostForCharts = 1000, MostTimed = 100;

    /// <param name="id">The Deployment.</param>
    /// <param name="filter">What is looked for.</param>
    /// <param name="below">Only deploys with a smaller number; null for the newest.</param>
    /// <param name="limit">Deploys on the page, at most.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<HistoryPage> ReadAsync(DeploymentId id, DeployFilter filter, long? below, int limit, CancellationToken cancellationToken)
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

    /// <summary>The deploys that were finalized last, newest first: what another one can be compared with.</summary>
    public Task<List<Deploy>> FinalizedAsync(DeploymentId id, int limit, CancellationToken cancellationToken) => db.Deploys.AsNoTracking()
        .Where(row => row.DeploymentId == id && row.Status == DeployStatus.Deployed)
        .OrderByDescending(row => row.Number).Take(limit).ToListAsync(cancellationToken);

    /// <summary>The deploys since a time, oldest first; of more than a thousand the newest.</summary>
    public async Task<IReadOnlyList<ChartedDeploy>> SinceAsync(DeploymentId id, DateTimeOffset since, CancellationToken cancellationToken)
    {
        var newest = await db.Deployments.Where(row => row.Id == id).Select(row => new { row.DeployCount, row.Revision }).SingleOrDefaultAsync(cancellationToken);
        if (newest is null)
            return [];
        var deploys = await db.Deploys.Where(row => row.DeploymentId == id && row.Number > newest.DeployCount - MostForCharts && row.CreatedAt >= since)
            .OrderBy(row => row.Number).Select(row => new { row.Id, row.Number, row.Status, row.RollbackFromId, row.CreatedAt, row.Revision })
            .ToListAsync(cancellationToken);
        // Agents are remembered for no more revisions than that.
        var timed = deploys.TakeLast(MostTimed).Where(row => row.Revision is not null).Select(row => row.Revision!.Value).ToList();
        var times = await TimesAsync(id, timed, cancellationToken);
        return [.. deploys.Select(row => new ChartedDeploy(row.Id, row.Number, row.Status, row.RollbackFromId is not null, row.CreatedAt,
            row.Revision is { } revision && times.TryGetValue(revision, out var at) ? at.Active - at.Finalized : null))];
    }

    /// <summary>The deploy that brought the revision before another one's; null when there is none.</summary>
    public Task<DeployId?> BeforeAsync(DeploymentId id, long revision, CancellationToken cancellationToken) => db.Revisions
        .Where(row => row.DeploymentId == id && row.Number == revision - 1).Select(row => (DeployId?)row.DeployId).SingleOrDefaultAsync(cancellationToken);

    private IQueryable<Deploy> Matching(DeploymentId id, DeployFilter filter)
    {
        var rows = db.Deploys.Where(row => row.DeploymentId == id);
        if (filter.Type is { } type)
            rows = rows.Where(row => row.Type == type);
        if (filter.Status is { } status)
            rows = rows.Where(row => row.Status == status);
        if (filter.Person is { Length: > 0 } person)
            rows = rows.WhereAnyContains(person, row => row.CreatedById == person, [row => row.CreatedByName, row => row.CreatedByFullName]);
        if (filter.Text is { Length: > 0 } text)
        {
            var deploy = new DeployId(text);
            rows = rows.WhereAnyContains(text, row => row.Id == deploy,
                [row => row.ImageTag, row => row.Description, row => row.GitText, row => row.BundleMountPath, row => row.DagBundleName]);
        }
        return rows;
    }

    /// <summary>Adds the times to deploys of one Deployment.</summary>
    public async Task<IReadOnlyList<PastDeploy>> TimesAsync(DeploymentId id, List<Deploy> deploys, CancellationToken cancellationToken)
    {
        var times = await TimesAsync(id, [.. deploys.Where(row => row.Revision is not null).Select(row => row.Revision!.Value)], cancellationToken);
        return [.. deploys.Select(row => row.Revision is { } number && times.TryGetValue(number, out var at)
            ? new PastDeploy(row, at.Finalized, at.Active) : new PastDeploy(row, null, null))];
    }

    private async Task<Dictionary<long, (DateTimeOffset Finalized, DateTimeOffset? Active)>> TimesAsync(DeploymentId id, List<long> revisions,
        CancellationToken cancellationToken)
    {
        if (revisions.Count == 0)
            return [];
        var (least, most) = (revisions.Min(), revisions.Max());
        var finalized = await db.Revisions.Where(row => row.DeploymentId == id && row.Number >= least && row.Number <= most && revisions.Contains(row.Number))
            .Select(row => new { row.Number, row.CreatedAt }).ToListAsync(cancellationToken);
        var active = (await db.RevisionReports.Where(row => row.DeploymentId == id && row.Revision >= least && row.Revision <= most)
            .Select(row => new { row.Revision, row.ActiveAt }).ToListAsync(cancellationToken)).ToLookup(row => row.Revision, row => row.ActiveAt);
        return finalized.ToDictionary(row => row.Number, row => (row.CreatedAt, active[row.Number].Any(at => at is null) ? null : active[row.Number].Max()));
    }
}
