using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Clusters;

/// <summary>How this installation describes itself as a cluster; section <c>Clusters</c>. Nothing else follows from it.</summary>
internal sealed class ClusterOptions
{
    /// <summary>Name of the cluster, 1 to 100 characters.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string Name { get; set; } = "self-hosted";

    /// <summary><c>AWS</c>, <c>AZURE</c> or <c>GCP</c>: clients know no other word.</summary>
    [Required, RegularExpression("^(AWS|AZURE|GCP)$", ErrorMessage = "Clusters:CloudProvider must be AWS, AZURE or GCP.")]
    public string CloudProvider { get; set; } = "AWS";

    /// <summary>Name of the region, 1 to 100 characters.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string Region { get; set; } = "self-hosted";
}
