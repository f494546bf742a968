using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Events;

/// <summary>A filter of the audit log. Null fields do not filter; all others must match.</summary>
internal sealed record EventFilter
{
    /// <summary>A type such as <c>deploy.finalized</c>, or the first word of types, such as <c>deploy</c>.</summary>
    public string? Type { get; init; }

    /// <summary>A part of the actor's name or full name, or their whole id.</summary>
    public string? Actor { get; init; }

    public WorkspaceId? Workspace { get; init; }

    public DeploymentId? Deployment { get; init; }

    /// <summary>Inclusive.</summary>
    public DateTimeOffset? From { get; init; }

    /// <summary>Exclusive.</summary>
    public DateTimeOffset? To { get; init; }

    /// <summary>A part of the target's name or of the details, or the whole id of the target or request.</summary>
    public string? Text { get; init; }
}

/// <summary>
/// Reads events, newest first. Owners of the Organization see all events, owners of Workspaces those of their Workspaces. An index has the
/// order of each filter, so the cost of a page is the number of rows that it returns and skips.
/// </summary>
internal sealed class AuditLog(UpdraftDbContext db)
{
    private const int PageSize = 1000;

    private static readonly WorkspaceId NoWorkspace = new("");

    /// <exception cref="ApiException">403, 404: the caller may not read the audit log of the Workspace in the filter.</exception>
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
            var only = own.Count == 1 ? own[0] : NoWorkspace;
            // For several Workspaces, the query reads the index of the Organization backwards; their own indexes would need a sort.
            rows = own.Count == 1
                ? rows.Where(row => row.WorkspaceId == only)
                : rows.Where(row => own.Contains(row.WorkspaceId ?? NoWorkspace));
        }
        if (filter.Deployment is { } deployment)
            rows = rows.Where(row => row.DeploymentId == deployment);
        if (filter.Type is { Length: > 0 } type)
            rows = rows.Where(type.Contains('.', StringComparison.Ordinal) ? row => row.Type == type : row => row.TargetType == type);
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

    /// <summary>A page, and whether another one follows. It does not count the matching rows.</summary>
    public async Task<(IReadOnlyList<Event> Events, bool HasMore)> ReadAsync(Subject subject, EventFilter filter, Paging paging,
        CancellationToken cancellationToken)
    {
        var rows = await Find(subject, filter).Skip(paging.Offset).Take(paging.Limit + 1).ToListAsync(cancellationToken);
        return ([.. rows.Take(paging.Limit)], rows.Count > paging.Limit);
    }

    /// <summary>
    /// All matching events, newest first. Reads pages, because PostgreSQL ends a statement that a slow reader keeps open.
    /// </summary>
    /// <exception cref="ApiException">As <see cref="Find"/>, before the first page.</exception>
    public IAsyncEnumerable<Event> ReadAllAsync(Subject subject, EventFilter filter, CancellationToken cancellationToken)
    {
        var rows = Find(subject, filter);
        return PagesAsync();

        async IAsyncEnumerable<Event> PagesAsync()
        {
            // More events may have the time of the last event of a page, so the next page includes that time.
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
            ? new ApiException(RequestErrors.PermissionDenied, "No role of the caller allows to read the audit log of Workspace "
                + $"'{ApiException.Shorten(workspace.Value)}'. Ask an owner of the Workspace for a role.")
            : ApiException.NotFound("Workspace", workspace.Value);
    }
}
