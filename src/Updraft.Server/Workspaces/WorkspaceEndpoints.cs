using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Workspaces;

/// <summary>Endpoints of Workspaces.</summary>
internal static class WorkspaceEndpoints
{
    private static readonly Sorting<Workspace> Sorting = new(row => row.Id,
        ("name", row => row.Name), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt));

    public static void AddWorkspaces(this WebApplicationBuilder builder) => builder.Services
        .AddScoped<CreateWorkspace>()
        .AddScoped<UpdateWorkspace>()
        .AddScoped<DeleteWorkspace>();

    public static void MapWorkspaces(this IEndpointRouteBuilder routes)
    {
        var workspaces = routes.MapGroup("/organizations/{organizationId}/workspaces");
        workspaces.MapGet("/", ListAsync).Requires(Permission.ListWorkspaces).Operation("ListWorkspaces").Sorts(Sorting.Orders);
        workspaces.MapPost("/", CreateAsync).Requires(Permission.CreateWorkspace).Operation<CreateWorkspaceRequest>("CreateWorkspace");
        workspaces.MapGet("/{workspaceId}", GetAsync).Requires(Permission.ReadWorkspace).Operation("GetWorkspace");
        workspaces.MapPost("/{workspaceId}", UpdateAsync).Requires(Permission.UpdateWorkspace)
            .Operation<UpdateWorkspaceRequest>("UpdateWorkspace");
        workspaces.MapDelete("/{workspaceId}", DeleteAsync).Requires(Permission.DeleteWorkspace).Operation("DeleteWorkspace");
    }

    private static async Task<WorkspacesPaginated> ListAsync(OrganizationId organizationId, Subject subject, UpdraftDbContext db,
        Paging paging, string[]? workspaceIds, string[]? names, string[]? sorts, CancellationToken cancellationToken)
    {
        var rows = WorkspaceQueries.Visible(db, subject, organizationId);
        if (workspaceIds is { Length: > 0 })
        {
            var ids = workspaceIds.Select(WorkspaceId.From).ToList();
            rows = rows.Where(row => ids.Contains(row.Id));
        }
        if (names is { Length: > 0 })
            rows = rows.Where(row => names.Contains(row.Name));
        var page = await Sorting.Apply(rows, sorts).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        var organization = await db.Organizations.Where(row => row.Id == organizationId).Select(row => row.Name)
            .SingleAsync(cancellationToken);
        return new WorkspacesPaginated
        {
            Workspaces = [.. page.Select(row => ToResponse(row, organization))],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await rows.CountAsync(cancellationToken),
        };
    }

    private static async Task<WorkspaceResponse> CreateAsync(OrganizationId organizationId, HttpRequest request, Subject subject,
        CreateWorkspace createWorkspace, UpdraftDbContext db, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.CreateWorkspaceRequest, cancellationToken);
        var workspace = await createWorkspace.RunAsync(subject, organizationId, body, cancellationToken);
        return await GetAsync(organizationId, workspace.Id, db, cancellationToken);
    }

    private static async Task<WorkspaceResponse> GetAsync(OrganizationId organizationId, WorkspaceId workspaceId, UpdraftDbContext db,
        CancellationToken cancellationToken)
    {
        var workspace = await db.Workspaces.AsNoTracking().SingleOrDefaultAsync(row => row.Id == workspaceId, cancellationToken)
            ?? throw ApiException.NotFound("Workspace", workspaceId.Value);
        var organization = await db.Organizations.Where(row => row.Id == organizationId).Select(row => row.Name)
            .SingleAsync(cancellationToken);
        return ToResponse(workspace, organization);
    }

    private static async Task<WorkspaceResponse> UpdateAsync(OrganizationId organizationId, WorkspaceId workspaceId, HttpRequest request,
        Subject subject, UpdateWorkspace updateWorkspace, UpdraftDbContext db, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateWorkspaceRequest, cancellationToken);
        await updateWorkspace.RunAsync(subject, workspaceId, body, cancellationToken);
        return await GetAsync(organizationId, workspaceId, db, cancellationToken);
    }

    private static async Task<IResult> DeleteAsync(WorkspaceId workspaceId, Subject subject, DeleteWorkspace deleteWorkspace,
        CancellationToken cancellationToken)
    {
        await deleteWorkspace.RunAsync(subject, workspaceId, cancellationToken);
        return TypedResults.NoContent();
    }

    private static WorkspaceResponse ToResponse(Workspace workspace, string organization) => new()
    {
        Id = workspace.Id.Value,
        Name = workspace.Name,
        Description = workspace.Description,
        OrganizationId = workspace.OrganizationId.Value,
        OrganizationName = organization,
        CicdEnforcedDefault = workspace.CicdEnforcedDefault,
        DefaultCloudProvider = workspace.DefaultCloudProvider,
        DefaultClusterId = workspace.DefaultClusterId,
        DefaultRegion = workspace.DefaultRegion,
        CreatedAt = workspace.CreatedAt,
        CreatedBy = workspace.CreatedBy.ToResponse(),
        UpdatedAt = workspace.UpdatedAt,
        UpdatedBy = workspace.UpdatedBy.ToResponse(),
    };
}
