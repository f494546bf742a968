using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Security;

namespace Updraft.Server.Organizations;

/// <summary>Endpoints of Organizations. The first start of the server creates the Organization; no request does.</summary>
internal static class OrganizationEndpoints
{
    private const string BetaSupportPlan = "TEAM";

    private static readonly Sorting<Organization> Sorting = new(row => row.Id,
        ("name", row => row.Name), ("createdAt", row => row.CreatedAt), ("updatedAt", row => row.UpdatedAt));

    public static void AddOrganizations(this WebApplicationBuilder builder) => builder.Services.AddScoped<UpdateOrganization>();

    public static void MapOrganizations(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/organizations", ListAsync).Requires(Permission.ListOrganizations).Operation("ListOrganizations")
            .Sorts(Sorting.Orders);
        routes.MapGet("/organizations/{organizationId}", GetAsync).Requires(Permission.ReadOrganization).Operation("GetOrganization");
        routes.MapPost("/organizations/{organizationId}", UpdateAsync).Requires(Permission.UpdateOrganization)
            .Operation<UpdateOrganizationRequest>("UpdateOrganization");
    }

    // A token belongs to one Organization. Clients read the first one without a check, so the contract's product filters have no effect.
    private static async Task<OrganizationsPaginated> ListAsync(Subject subject, UpdraftDbContext db, ApiVersion version, Paging paging,
        string[]? sorts, CancellationToken cancellationToken)
    {
        var own = db.Organizations.AsNoTracking().Where(row => row.Id == subject.Organization);
        var page = await Sorting.Apply(own, sorts).Skip(paging.Offset).Take(paging.Limit).ToListAsync(cancellationToken);
        return new OrganizationsPaginated
        {
            Organizations = [.. page.Select(row => row.ToResponse(version))],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = await own.CountAsync(cancellationToken),
        };
    }

    private static async Task<OrganizationResponse> GetAsync(OrganizationId organizationId, UpdraftDbContext db, ApiVersion version,
        CancellationToken cancellationToken) =>
        (await db.Organizations.AsNoTracking().SingleOrDefaultAsync(row => row.Id == organizationId, cancellationToken)
            ?? throw ApiException.NotFound("Organization", organizationId.Value)).ToResponse(version);

    private static async Task<OrganizationResponse> UpdateAsync(OrganizationId organizationId, HttpRequest request, Subject subject,
        UpdateOrganization updateOrganization, ApiVersion version, CancellationToken cancellationToken)
    {
        var body = await request.ReadJsonAsync(ApiJson.Default.UpdateOrganizationRequest, cancellationToken);
        return (await updateOrganization.RunAsync(subject, organizationId, body, cancellationToken)).ToResponse(version);
    }

    private static OrganizationResponse ToResponse(this Organization organization, ApiVersion version) => new()
    {
        Id = organization.Id.Value,
        Name = organization.Name,
        SupportPlan = version == ApiVersion.V1Beta1 ? BetaSupportPlan : null,
        BillingEmail = organization.BillingEmail,
        IsScimEnabled = organization.IsScimEnabled,
        AllowEnhancedSupportAccess = organization.AllowEnhancedSupportAccess,
        HasAiFeaturesDisabled = organization.HasAiFeaturesDisabled,
        ShouldEnforceDedicatedClusters = organization.ShouldEnforceDedicatedClusters,
        CreatedAt = organization.CreatedAt,
        CreatedBy = organization.CreatedBy.ToResponse(),
        UpdatedAt = organization.UpdatedAt,
        UpdatedBy = organization.UpdatedBy.ToResponse(),
    };
}
