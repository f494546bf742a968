using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Clusters;
using Updraft.Server.Database;
using Updraft.Server.Security;
using Updraft.Server.Workspaces;

namespace Updraft.Server.Deployments;

/// <summary>Filter and order of a list of Deployments. Null fields do not filter.</summary>
internal sealed record DeploymentFilter(string[]? Ids, string[]? Names, string[]? Workspaces, string[]? Sorts);

/// <summary>Reads Deployments for the API.</summary>
internal sealed class DeploymentQueries(UpdraftDbContext db, ReadDeploymentConditions readConditions, IOptions<ServerOptions> options,
    IOptions<ClusterOptions> cluster, IOptions<RuntimeOptions> runtimes, TimeProvider clock)
{
    public static readonly Sorting<Deployment> Sorting = new(row => row.Id,
        ("name", row => row.Name), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt));

    /// <summary>One live Deployment.</summary>
    /// <exception cref="ApiException">404: no such Deployment.</exception>
    public async Task<DeploymentResponse> GetAsync(ApiVersion version, DeploymentId id, CancellationToken cancellationToken)
    {
        var rows = await db.Deployments.AsNoTracking().Where(row => row.Id == id && row.DeletedAt == null).ToListAsync(cancellationToken);
        return (await CompleteAsync(version, rows, cancellationToken)).SingleOrDefault()
            ?? throw ApiException.NotFound("Deployment", id.Value);
    }

    /// <summary>A page of the live Deployments that the caller can see.</summary>
    /// <exception cref="ApiException">400: the sort is unknown.</exception>
    public async Task<DeploymentsPaginated> ListAsync(ApiVersion version, Subject subject, OrganizationId organization,
        DeploymentFilter filter, Paging paging, CancellationToken cancellationToken)
    {
        var rows = Filter(Visible(db, subject, organization), filter);
        var page = await Sorting.Apply(rows, filter.Sorts).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return new DeploymentsPaginated
        {
            Deployments = await CompleteAsync(version, page, cancellationToken),
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.CountAsync(cancellationToken),
        };
    }

    /// <summary>The live Deployments that a caller can see.</summary>
    public static IQueryable<Deployment> Visible(UpdraftDbContext db, Subject subject, OrganizationId organization)
    {
        var rows = db.Deployments.AsNoTracking().Where(row => row.OrganizationId == organization && row.DeletedAt == null);
        var (isEverywhere, workspaces, deployments, _) = subject.Reach(Permission.ReadDeployment);
        return isEverywhere ? rows : rows.Where(row => workspaces.Contains(row.WorkspaceId) || deployments.Contains(row.Id));
    }

    private static IQueryable<Deployment> Filter(IQueryable<Deployment> rows, DeploymentFilter filter)
    {
        if (filter.Ids is { Length: > 0 } texts)
        {
            var ids = texts.Select(DeploymentId.From).ToList();
            rows = rows.Where(row => ids.Contains(row.Id));
        }
        if (filter.Workspaces is { Length: > 0 } workspaceTexts)
        {
            var workspaces = workspaceTexts.Select(WorkspaceId.From).ToList();
            rows = rows.Where(row => workspaces.Contains(row.WorkspaceId));
        }
        if (filter.Names is { Length: > 0 } names)
            rows = rows.Where(row => names.Contains(row.Name));
        return rows;
    }

    private async Task<List<DeploymentResponse>> CompleteAsync(ApiVersion version, List<Deployment> rows,
        CancellationToken cancellationToken)
    {
        var workspaceIds = rows.Select(row => row.WorkspaceId).Distinct().ToList();
        var workspaces = await db.Workspaces.AsNoTracking().Where(row => workspaceIds.Contains(row.Id))
            .ToDictionaryAsync(row => row.Id, row => row.Name, cancellationToken);
        var conditions = rows.Count == 0 ? new Dictionary<DeploymentId, DeploymentCondition>()
            : await readConditions([.. rows.Select(row => row.Id)], cancellationToken);
        return [.. rows.Select(row => Describe(version, row, workspaces.GetValueOrDefault(row.WorkspaceId, ""),
            conditions.GetValueOrDefault(row.Id, DeploymentCondition.Initial)))];
    }

    /// <summary>The response for a Deployment whose rows the caller has already read.</summary>
    public DeploymentResponse Describe(ApiVersion version, Deployment row, string workspaceName, DeploymentCondition condition) =>
        row.ToResponse(workspaceName, condition,
            new DeploymentContext(version, options.Value, cluster.Value, runtimes.Value, clock.GetUtcNow()));
}
