using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateDeploy.</summary>
public sealed record CreateDeployRequest
{
    /// <summary>What is deployed: <c>IMAGE_AND_DAG</c>, <c>IMAGE_ONLY</c>, <c>DAG_ONLY</c> or <c>BUNDLE</c>. Required.</summary>
    [JsonConverter(typeof(AnyAsTextConverter))]
    [Required, AllowedValues("IMAGE_AND_DAG", "IMAGE_ONLY", "DAG_ONLY", "BUNDLE")]
    public string? Type { get; init; }

    /// <summary>Free text, at most 500 characters (Unicode code points).</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>Absolute path at which Airflow sees the bundle. Required for <c>BUNDLE</c>.</summary>
    public string? BundleMountPath { get; init; }

    /// <summary>What kind of bundle it is, e.g. <c>dbt</c>. Required for <c>BUNDLE</c>.</summary>
    public string? BundleType { get; init; }

    /// <summary>Where the code came from.</summary>
    public DeployGitBlock? Git { get; init; }
}

/// <summary>Body of UpdateDeploy.</summary>
public sealed record UpdateDeployRequest
{
    /// <summary>The new description, at most 500 characters; absent keeps the old one.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>Body of FinalizeDeploy. Absent, empty and a version are three different things in both fields.</summary>
public sealed record FinalizeDeployRequest
{
    /// <summary>The version that the upload to <c>dagsUploadUrl</c> answered with.</summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>The version that the upload to <c>bundleUploadUrl</c> answered with.</summary>
    public string? BundleTarballVersion { get; init; }
}

/// <summary>Body of DeployRollback.</summary>
public sealed record DeployRollbackRequest
{
    /// <summary>Description of the new deploy, at most 500 characters.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>Where deployed code came from: in a request as the client says it, in an answer as it was stored.</summary>
public sealed record DeployGitBlock
{
    /// <summary><c>GITHUB</c> or <c>GENERIC</c>. Required.</summary>
    [Required, AllowedValues("GITHUB", "GENERIC")]
    public string? Provider { get; init; }

    /// <summary>The commit. Required.</summary>
    [Required]
    public string? CommitSha { get; init; }

    /// <summary>Account on GitHub; required for <c>GITHUB</c>, absent otherwise.</summary>
    public string? Account { get; init; }

    /// <summary>Repository on GitHub; required for <c>GITHUB</c>, absent otherwise.</summary>
    public string? Repo { get; init; }

    /// <summary>The remote as git prints it; required for <c>GENERIC</c>, absent otherwise.</summary>
    public string? RemoteUrl { get; init; }

    /// <summary>The branch.</summary>
    public string? Branch { get; init; }

    /// <summary>Folder of the project within the repository.</summary>
    public string? Path { get; init; }

    /// <summary>Page of the commit.</summary>
    public string? CommitUrl { get; init; }

    /// <summary>Name of the commit's author.</summary>
    public string? AuthorName { get; init; }

    /// <summary>User name of the commit's author.</summary>
    public string? AuthorUsername { get; init; }

    /// <summary>Page of the commit's author.</summary>
    public string? AuthorUrl { get; init; }

    /// <summary>The commit that was deployed before.</summary>
    public string? BeforeCommitSha { get; init; }
}
