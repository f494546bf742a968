using System.ComponentModel.DataAnnotations;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Database;
using Updraft.Server.Organizations;
using Updraft.Server.Security;

namespace Updraft.Server.Clusters;

/// <summary>Endpoints of clusters. An installation always has exactly one, so a request that would change it gets a 400.</summary>
internal static class ClusterEndpoints
{
    private static readonly string[] Sorts =
        ["name:asc", "name:desc", "createdAt:asc", "createdAt:desc", "updatedAt:asc", "updatedAt:desc"];

    public static void AddClusters(this WebApplicationBuilder builder) => builder.Services
        .AddOptions<ClusterOptions>().BindConfiguration(ClusterOptions.Section).ValidateDataAnnotations().ValidateOnStart();

    public static void MapClusters(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/organizations/{organizationId}/cluster-options", GetOptions).Requires(Permission.ReadClusters)
            .Operation("GetClusterOptions");
        var clusters = routes.MapGroup("/organizations/{organizationId}/clusters");
        clusters.MapGet("/", ListAsync).Requires(Permission.ReadClusters).Operation("ListClusters").Sorts(new SortOrders(Sorts));
        clusters.MapPost("/", RejectChange).Requires(Permission.ManageClusters).Operation("CreateCluster");
        clusters.MapGet("/{clusterId}", GetAsync).Requires(Permission.ReadClusters).Operation("GetCluster");
        clusters.MapPost("/{clusterId}", RejectChange).Requires(Permission.ManageClusters).Operation("UpdateCluster");
        clusters.MapDelete("/{clusterId}", RejectDeletion).Requires(Permission.ManageClusters).Operation("DeleteCluster");
    }

    private static async Task<ClustersPaginated> ListAsync(OrganizationId organizationId, UpdraftDbContext db,
        IOptions<ClusterOptions> options, Paging paging, string[]? names,
        [AllowedValues("AWS", "AZURE", "GCP")] string? provider, string[]? sorts,
        CancellationToken cancellationToken)
    {
        // One cluster needs no order, but an unknown sort order is a 400 in all lists.
        if (sorts?.FirstOrDefault(sort => !Sorts.Contains(sort)) is { } unknown)
            throw ApiException.BadRequest($"'sorts' has '{ApiException.Shorten(unknown)}'. Use one of {string.Join(", ", Sorts)}.");
        var cluster = await ReadAsync(organizationId, db, options, cancellationToken);
        var matches = (names is not { Length: > 0 } || names.Contains(cluster.Name))
            && (string.IsNullOrEmpty(provider) || provider == cluster.CloudProvider);
        ClusterResponse[] all = matches ? [cluster] : [];
        return new ClustersPaginated
        {
            Clusters = [.. all.Skip(paging.Offset).Take(paging.Limit)],
            Limit = paging.Limit,
            Offset = paging.Offset,
            TotalCount = all.Length,
        };
    }

    private static async Task<ClusterResponse> GetAsync(OrganizationId organizationId, string clusterId, UpdraftDbContext db,
        IOptions<ClusterOptions> options, CancellationToken cancellationToken) => clusterId == Cluster.IdOf(organizationId)
        ? await ReadAsync(organizationId, db, options, cancellationToken)
        : throw ApiException.NotFound("Cluster", clusterId);

    private static async Task<ClusterResponse> ReadAsync(OrganizationId organizationId, UpdraftDbContext db,
        IOptions<ClusterOptions> options, CancellationToken cancellationToken) =>
        (await db.Organizations.AsNoTracking().SingleAsync(row => row.Id == organizationId, cancellationToken)).ToCluster(options.Value);

    // The contract demands a bare array. It has this installation for every provider, because the astro CLI sends its own default provider
    // and uses the first entry without a check.
    private static IReadOnlyList<ClusterOptionsResponse> GetOptions(IOptions<ClusterOptions> options,
        [AllowedValues("AWS", "AZURE", "GCP")] string? provider, [AllowedValues("DEDICATED", "HYBRID")] string? type)
    {
        TextLimit.OneOf(string.IsNullOrEmpty(type) ? null : type, "type", "", "DEDICATED", "HYBRID");
        TextLimit.OneOf(string.IsNullOrEmpty(provider) ? null : provider, "provider", "", "AWS", "AZURE", "GCP");
        var own = options.Value;
        var region = new ProviderRegionResponse { Name = own.Region };
        var machine = new ProviderInstanceTypeResponse { Name = "self-hosted", Cpu = 1, Memory = "2Gi" };
        return
        [
            new ClusterOptionsResponse
            {
                Provider = own.CloudProvider,
                Regions = [region],
                DefaultRegion = region,
                DatabaseInstances = [machine],
                DefaultDatabaseInstance = machine,
                NodeInstances = [machine],
                DefaultNodeInstance = machine,
            },
        ];
    }

    private static ClusterResponse RejectChange() => throw Fixed();

    private static NoContent RejectDeletion() => throw Fixed();

    private static ApiException Fixed() => new(ClusterErrors.ClusterFixed,
        "An installation has exactly one cluster: the hosts that run agents. The API cannot create, change or delete it. "
        + "An operator can change it in the section Clusters of the server's settings.");
}
