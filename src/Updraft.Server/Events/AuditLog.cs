using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>Which events are looked for; null for any.</summary>
internal sealed record EventFilter
{
    /// <summary>Of this type, or, without a dot, of all types that begin with this word.</summary>
    public string? Type { get; init; }

    /// <summary>Done by somebody with this in the name or id.</summary>
    public string? Actor { get; init; }

    public WorkspaceId? Workspace { get; init; }

    public DeploymentId? Deployment { get; init; }

    /// <summary>Not before.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Before.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>With this in the name or id of what was changed, in the details, or as the id of the request.</summary>
    public string? Text { get; init; }
}

/// <summary>
/// Reads events, newest first: an owner of the Organization sees all, whoever owns Workspaces sees what belongs to them. Every order is that
/// of an index, so a page costs what it shows and skips.
/// </summary>
internal sealed class AuditLog(UpdraftDbContext db)
{
    private const int PageSize = 1000;

    private static readonly WorkspaceId Nowhere = new("");

    /// <exception cref="ApiException">403, 404: the Workspace that is asked for is not the caller's to look at.</exception>
    public IQueryable<Event> Find(Subject subject, EventFilter filter)
    {
        var organization = subject.Organization;
        var rows = db.Events.AsNoTracking().Where(row => row.OrganizationId == organization);
        if (filter.Workspace is { } workspace)
        {
            Check(subject, workspace);
            rows = rows.Where(row => row.WorkspaceId == workspace);
        }
        else if (subject.Reach(Permission.ReadAuditLog) is { IsEverywhere: false, Workspaces: var own })
        {
            var only = own.Count == 1 ? own[0] : Nowhere;
            // Of several, the newest are found by reading the Organization's backwards; an index of each would be sorted first.
            rows = own.Count == 1 ? rows.Where(row => row.WorkspaceId == only) : rows.Where(row => own.Contains(row.WorkspaceId ?? Nowhere));
        }
        if (filter.Deployment is { } deployment)
            rows = rows.Where(row => row.DeploymentId == deployment);
        if (filter.Type is { Length: > 0 } type)
            rows = type.Contains('.', StringComparison.Ordinal) ? rows.Where(row => row.Type == type) : rows.Where(row => row.TargetType == type);
        if (filter.From is { } from)
            rows = rows.Where(row => row.At >= from);
        if (filter.To is { } to)
            rows = rows.Where(row => row.At < to);
        if (filter.Actor is { Length: > 0 } actor)
            rows = rows.WhereAnyContains(actor, row => row.ActorId == actor, [row => row.ActorName, row => row.ActorFullName]);
        if (filter.Text is { Length: > 0 } text)
        {
            rows = rows.WhereAnyContains(text, row => row.TargetId == text || row.RequestId == text,
                [row => row.TargetName, row => row.DetailText]);
        }
        return rows.OrderByDescending(row => row.At).ThenByDescending(row => row.Id);
    }

    /// <summary>A page, and whether there is another after it; nothing is counted.</summary>
    public async Task<(IReadOnlyList<Event> Events, bool HasMore)> ReadAsync(Subject subject, EventFilter filter, Paging paging, CancellationToken cancellationToken)
    {
        var rows = await Find(subject, filter).Skip(paging.Offset).Take(paging.Limit + 1).ToListAsync(cancellationToken);
        return ([.. rows.Take(paging.Limit)], rows.Count > paging.Limit);
    }

    /// <summary>All that matches, newest first. In pages: who reads slowly keeps no statement open, which PostgreSQL would end.</summary>
    /// <exception cref="ApiException">As <see cref="Find"/>, before anything is read.</exception>
    public IAsyncEnumerable<Event> ReadAllAsync(Subject subject, EventFilter filter, CancellationToken cancellationToken)
    {
        var rows = Find(subject, filter);
        return PagesAsync();

        async IAsyncEnumerable<Event> PagesAsync()
        {
            // Of the moment at which a page ended there may be more.
            var (last, shown) = (DateTimeOffset.MaxValue, new HashSet<EventId>());
            while (true)
            {
                var page = await rows.Where(row => row.At <= last).Take(PageSize + shown.Count).ToListAsync(cancellationToken);
                foreach (var row in page.Where(row => !shown.Contains(row.Id)))
                    yield return row;
                if (page.Count < PageSize + shown.Count)
                    yield break;
                if (page[^1].At < last)
                    shown.Clear();
                last = page[^1].At;
                shown.UnionWith(page.Where(row => row.At == last).Select(row => row.Id));
            }
        }
    }

    private static void Check(Subject subject, WorkspaceId workspace)
    {
        if (subject.May(Permission.ReadAuditLog, workspace))
            return;
        throw subject.Touches(Permission.ReadWorkspace, workspace)
            ? new ApiException(StatusCodes.Status403Forbidden, $"No role lets the caller read the audit log of Workspace '{ApiException.Shorten(workspace.Value)}'.")
            : ApiException.NotFound("Workspace", workspace.Value);
    }
}
