using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>A cluster: the machines of this installation, as one thing.</summary>
public sealed record ClusterResponse
{
    /// <summary>The id; the same for ever.</summary>
    public required string Id { get; init; }

    /// <summary>The name, from the settings.</summary>
    public required string Name { get; init; }

    /// <summary>The Organization.</summary>
    public required string OrganizationId { get; init; }

    /// <summary>Always <c>DEDICATED</c>.</summary>
    [AllowedValues("DEDICATED")]
    public string Type { get; init; } = "DEDICATED";

    /// <summary>Always <c>CREATED</c>.</summary>
    [AllowedValues("CREATED")]
    public string Status { get; init; } = "CREATED";

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>, from the settings.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public required string CloudProvider { get; init; }

    /// <summary>The region, from the settings.</summary>
    public required string Region { get; init; }

    /// <summary>Always <c>self-hosted</c>.</summary>
    public string DbInstanceType { get; init; } = "self-hosted";

    /// <summary>Always empty: the network is the operator's.</summary>
    public string VpcSubnetRange { get; init; } = "";

    /// <summary>Always false.</summary>
    public bool IsDrEnabled { get; init; }

    /// <summary>Always empty.</summary>
    public string DrRegion { get; init; } = "";

    /// <summary>Always false.</summary>
    public bool IsLimited { get; init; }

    /// <summary>One pool, for all machines.</summary>
    public required IReadOnlyList<NodePoolResponse> NodePools { get; init; }

    /// <summary>Always empty.</summary>
    public IReadOnlyList<ClusterTagResponse> Tags { get; init; } = [];

    /// <summary>Always empty: every Workspace may use it.</summary>
    public IReadOnlyList<string> WorkspaceIds { get; init; } = [];

    /// <summary>When the Organization was created.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>The same.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A tag of a cluster.</summary>
public sealed record ClusterTagResponse
{
    /// <summary>Name.</summary>
    public string? Key { get; init; }

    /// <summary>Value.</summary>
    public string? Value { get; init; }
}

/// <summary>A group of machines of a cluster.</summary>
public sealed record NodePoolResponse
{
    /// <summary>The id; the same for ever.</summary>
    public required string Id { get; init; }

    /// <summary>The cluster.</summary>
    public required string ClusterId { get; init; }

    /// <summary>Always <c>default</c>.</summary>
    public string Name { get; init; } = "default";

    /// <summary>Always true.</summary>
    public bool IsDefault { get; init; } = true;

    /// <summary>As the cluster's.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public required string CloudProvider { get; init; }

    /// <summary>Always <c>self-hosted</c>.</summary>
    public string NodeInstanceType { get; init; } = "self-hosted";

    /// <summary>A number that means nothing here.</summary>
    public int MaxNodeCount { get; init; } = 100;

    /// <summary>Machines that worker queues can ask for.</summary>
    public required IReadOnlyList<string> SupportedAstroMachines { get; init; }

    /// <summary>As the cluster's.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>As the cluster's.</summary>
    public required DateTimeOffset UpdatedAt { get; init; }
}

/// <summary>A page of clusters.</summary>
public sealed record ClustersPaginated
{
    /// <summary>The page.</summary>
    public required IReadOnlyList<ClusterResponse> Clusters { get; init; }

    /// <summary>The limit that was applied.</summary>
    public required int Limit { get; init; }

    /// <summary>The offset that was applied.</summary>
    public required int Offset { get; init; }

    /// <summary>How many match on all pages.</summary>
    public required int TotalCount { get; init; }
}

/// <summary>What a cluster can be made of, for one provider.</summary>
public sealed record ClusterOptionsResponse
{
    /// <summary>The provider.</summary>
    [AllowedValues("AWS", "AZURE", "GCP")]
    public required string Provider { get; init; }

    /// <summary>Where the installation is.</summary>
    public required IReadOnlyList<ProviderRegionResponse> Regions { get; init; }

    /// <summary>The same.</summary>
    public required ProviderRegionResponse DefaultRegion { get; init; }

    /// <summary>One placeholder.</summary>
    public required IReadOnlyList<ProviderInstanceTypeResponse> DatabaseInstances { get; init; }

    /// <summary>The same.</summary>
    public required ProviderInstanceTypeResponse DefaultDatabaseInstance { get; init; }

    /// <summary>One placeholder.</summary>
    public required IReadOnlyList<ProviderInstanceTypeResponse> NodeInstances { get; init; }

    /// <summary>The same.</summary>
    public required ProviderInstanceTypeResponse DefaultNodeInstance { get; init; }

    /// <summary>Always empty.</summary>
    public string DefaultVpcSubnetRange { get; init; } = "";

    /// <summary>Means nothing here.</summary>
    public int NodeCountDefault { get; init; } = 1;

    /// <summary>Means nothing here.</summary>
    public int NodeCountMax { get; init; } = 100;

    /// <summary>Means nothing here.</summary>
    public int NodeCountMin { get; init; } = 1;
}

/// <summary>A region.</summary>
public sealed record ProviderRegionResponse
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }
}

/// <summary>A kind of machine.</summary>
public sealed record ProviderInstanceTypeResponse
{
    /// <summary>The name.</summary>
    public required string Name { get; init; }

    /// <summary>Cores.</summary>
    public required int Cpu { get; init; }

    /// <summary>Memory, as a Kubernetes quantity.</summary>
    public required string Memory { get; init; }
}
