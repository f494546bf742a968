using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Organizations;

/// <summary>Organizations over HTTP. They are made at the first start.</summary>
internal static class OrganizationEndpoints
{
    public static void MapOrganizations(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/organizations", ListAsync).Requires(Permission.ListOrganizations).Operation("ListOrganizations");
        routes.MapGet("/organizations/{organizationId}", GetAsync).Requires(Permission.ReadOrganization).Operation("GetOrganization");
    }

    // A token belongs to one Organization, so there is nothing to sort or filter.
    private static async Task<OrganizationsPaginated> ListAsync(Subject subject, UpdraftDbContext db, Paging paging,
        CancellationToken cancellationToken)
    {
        var own = db.Organizations.AsNoTracking().Where(row => row.Id == subject.Organization);
        var page = await own.OrderBy(row => row.Id).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return new OrganizationsPaginated
        {
            Organizations = [.. page.Select(ToResponse)],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await own.CountAsync(cancellationToken),
        };
    }

    private static async Task<OrganizationResponse> GetAsync(OrganizationId organizationId, UpdraftDbContext db,
        CancellationToken cancellationToken) =>
        ToResponse(await db.Organizations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == organizationId, cancellationToken)
            ?? throw ApiException.NotFound("Organization", organizationId.Value));

    private static OrganizationResponse ToResponse(Organization organization) => new()
    {
        Id = organization.Id.Value,
        Name = organization.Name,
        CreatedAt = organization.CreatedAt,
        CreatedBy = organization.CreatedBy.ToResponse(),
        UpdatedAt = organization.UpdatedAt,
        UpdatedBy = organization.UpdatedBy.ToResponse(),
    };
}
