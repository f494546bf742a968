using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Clusters;

/// <summary>The one cluster that the API reports for this installation. These settings have no other effect.</summary>
internal sealed class ClusterOptions
{
    public const string Section = "Clusters";

    /// <summary>Name of the cluster.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string Name { get; set; } = "self-hosted";

    /// <summary>Cloud provider of the cluster. Clients accept no other values.</summary>
    [Required, RegularExpression("^(AWS|AZURE|GCP)$", ErrorMessage = "Clusters:CloudProvider must be AWS, AZURE or GCP.")]
    public string CloudProvider { get; set; } = "AWS";

    /// <summary>Region of the cluster.</summary>
    [Required, StringLength(100, MinimumLength = 1)]
    public string Region { get; set; } = "self-hosted";
}
