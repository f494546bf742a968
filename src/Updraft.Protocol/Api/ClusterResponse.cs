using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>
/// The one cluster of an installation: the hosts that run agents. It follows from the server's settings <c>Clusters</c>.
/// </summary>
public sealed record ClusterResponse
{
    /// <summary>Id of the cluster. It follows from the Organization's id and never changes.</summary>
    public required string Id { get; init; }

    /// <summary>Value of the setting <c>Clusters:Name</c>. Default: <c>self-hosted</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Id of the Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Always <c>DEDICATED</c>.</summary>
    [AllowedValues("DEDICATED")]
    public string Type { get; init; } = "DEDICATED";

    /// <summary>Always <c>CREATED</c>.</summary>
    [AllowedValues("CREATED")]
    public string Status { get; init; } = "CREATED";

    /// <summary>Value of the setting <c>Clusters:CloudProvider</c>: <c>AWS</c> (default), <c>AZURE</c> or <c>GCP</c>.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public required string CloudProvider { get; init; }

    /// <summary>Value of the setting <c>Clusters:Region</c>. Default: <c>self-hosted</c>.</summary>
    public required string Region { get; init; }

    /// <summary>Always <c>self-hosted</c>.</summary>
    public string DbInstanceType { get; init; } = "self-hosted";

    /// <summary>Always empty, because Updraft does not manage the operator's network.</summary>
    public string VpcSubnetRange { get; init; } = "";

    /// <summary>Always false: Updraft has no disaster recovery of clusters.</summary>
    public bool IsDrEnabled { get; init; }

    /// <summary>Always empty: Updraft has no disaster recovery of clusters.</summary>
    public string DrRegion { get; init; } = "";

    /// <summary>Always false: Updraft does not limit clusters.</summary>
    public bool IsLimited { get; init; }

    /// <summary>Exactly one pool, which stands for all hosts.</summary>
    public required IReadOnlyList<NodePoolResponse> NodePools { get; init; }

    /// <summary>Always empty: Updraft stores no tags of clusters.</summary>
    public IReadOnlyList<ClusterTagResponse> Tags { get; init; } = [];

    /// <summary>Always empty, which means that every Workspace can use the cluster.</summary>
    public IReadOnlyList<string> WorkspaceIds { get; init; } = [];

    /// <summary>Time at which the Organization was created, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time at which the Organization was created, in UTC: the API cannot change a cluster.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A tag of a cluster. Updraft returns none.</summary>
public sealed record ClusterTagResponse
{
    /// <summary>Name of the tag.</summary>
    public string? Key { get; init; }

    /// <summary>Text of the tag.</summary>
    public string? Value { get; init; }
}

/// <summary>The one node pool of the cluster, which stands for all hosts.</summary>
public sealed record NodePoolResponse
{
    /// <summary>Id of the pool. It follows from the Organization's id and never changes.</summary>
    public required string Id { get; init; }

    /// <summary>Id of the cluster.</summary>
    public required string ClusterId { get; init; }

    /// <summary>Always <c>default</c>.</summary>
    public string Name { get; init; } = "default";

    /// <summary>Always true, because there is one pool.</summary>
    public bool IsDefault { get; init; } = true;

    /// <summary>Cloud provider of the cluster: <c>AWS</c>, <c>AZURE</c> or <c>GCP</c>.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public required string CloudProvider { get; init; }

    /// <summary>Always <c>self-hosted</c>.</summary>
    public string NodeInstanceType { get; init; } = "self-hosted";

    /// <summary>Always 100. Updraft does not limit the number of hosts.</summary>
    public int MaxNodeCount { get; init; } = 100;

    /// <summary>Sizes that worker queues can name in <c>astroMachine</c>, smallest first.</summary>
    public required IReadOnlyList<string> SupportedAstroMachines { get; init; }

    /// <summary>Time at which the Organization was created, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time at which the Organization was created, in UTC.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of clusters, with at most one entry.</summary>
public sealed record ClustersPaginated
{
    /// <summary>The cluster, if it matches the request.</summary>
    public required IReadOnlyList<ClusterResponse> Clusters { get; init; }

    /// <summary>Largest number of rows on a page, from the request. Default: 20, maximum: 1,000.</summary>
    public required int Limit { get; init; }

    /// <summary>Number of rows before this page, from the request. Default: 0.</summary>
    public required int Offset { get; init; }

    /// <summary>Number of matching clusters, 0 or 1, on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>Options for a cluster of one provider. They describe this installation and cannot be chosen.</summary>
public sealed record ClusterOptionsResponse
{
    /// <summary>Cloud provider of the cluster: <c>AWS</c>, <c>AZURE</c> or <c>GCP</c>.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public required string Provider { get; init; }

    /// <summary>Exactly one region, which is the setting <c>Clusters:Region</c>.</summary>
    public required IReadOnlyList<ProviderRegionResponse> Regions { get; init; }

    /// <summary>Region of the setting <c>Clusters:Region</c>.</summary>
    public required ProviderRegionResponse DefaultRegion { get; init; }

    /// <summary>Exactly one placeholder, <c>self-hosted</c>: Updraft creates no databases.</summary>
    public required IReadOnlyList<ProviderInstanceTypeResponse> DatabaseInstances { get; init; }

    /// <summary>Placeholder <c>self-hosted</c>: Updraft creates no databases.</summary>
    public required ProviderInstanceTypeResponse DefaultDatabaseInstance { get; init; }

    /// <summary>Exactly one placeholder, <c>self-hosted</c>: Updraft creates no hosts.</summary>
    public required IReadOnlyList<ProviderInstanceTypeResponse> NodeInstances { get; init; }

    /// <summary>Placeholder <c>self-hosted</c>: Updraft creates no hosts.</summary>
    public required ProviderInstanceTypeResponse DefaultNodeInstance { get; init; }

    /// <summary>Always empty, because Updraft does not manage the operator's network.</summary>
    public string DefaultVpcSubnetRange { get; init; } = "";

    /// <summary>Always 1. Updraft does not limit the number of hosts.</summary>
    public int NodeCountDefault { get; init; } = 1;

    /// <summary>Always 100. Updraft does not limit the number of hosts.</summary>
    public int NodeCountMax { get; init; } = 100;

    /// <summary>Always 1. Updraft does not limit the number of hosts.</summary>
    public int NodeCountMin { get; init; } = 1;
}

/// <summary>A region of a cloud provider.</summary>
public sealed record ProviderRegionResponse
{
    /// <summary>Name of the region, 1 to 100 characters.</summary>
    public required string Name { get; init; }
}

/// <summary>A type of machine.</summary>
public sealed record ProviderInstanceTypeResponse
{
    /// <summary>Name of the type, such as <c>self-hosted</c>.</summary>
    public required string Name { get; init; }

    /// <summary>Number of CPU cores.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory as a Kubernetes quantity, such as <c>2Gi</c>.</summary>
    public required string Memory { get; init; }
}
