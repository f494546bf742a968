using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>Body of CreateDeploy.</summary>
public sealed record CreateDeployRequest
{
    /// <summary>
    /// Parts that the deploy changes: <c>IMAGE_AND_DAG</c>, <c>IMAGE_ONLY</c>, <c>DAG_ONLY</c> or <c>BUNDLE</c>. Required.
    /// Without DAG deploys in the Deployment, only <c>IMAGE_AND_DAG</c> is valid.
    /// </summary>
    [JsonConverter(typeof(AnyAsTextConverter))]
    [Required, AllowedValues("IMAGE_AND_DAG", "IMAGE_ONLY", "DAG_ONLY", "BUNDLE")]
    public string? Type { get; init; }

    /// <summary>Free text for the history, at most 500 characters (Unicode code points). Default: none.</summary>
    [StringLength(500)]
    public string? Description { get; init; }

    /// <summary>
    /// Absolute path below Airflow's home at which Airflow sees the bundle. Required for <c>BUNDLE</c>, ignored for other types.
    /// </summary>
    public string? BundleMountPath { get; init; }

    /// <summary>
    /// Kind of the bundle, such as <c>dbt</c>: one word of at most 64 characters. Required for <c>BUNDLE</c>, ignored for other
    /// types.
    /// </summary>
    public string? BundleType { get; init; }

    /// <summary>Commit that the code came from. Default: none.</summary>
    public DeployGitBlock? Git { get; init; }
}

/// <summary>Body of UpdateDeploy.</summary>
public sealed record UpdateDeployRequest
{
    /// <summary>New description, at most 500 characters. If it is absent, the description stays.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>
/// Body of FinalizeDeploy. In both fields an absent value, an empty value and a version have three different meanings.
/// </summary>
public sealed record FinalizeDeployRequest
{
    /// <summary>
    /// Version that the upload to <c>dagsUploadUrl</c> returned. Required for <c>DAG_ONLY</c>, and for <c>IMAGE_AND_DAG</c> with
    /// DAG deploys. For the latter, an empty text removes the DAGs. Without DAG deploys it must be absent or empty. Ignored for
    /// other types.
    /// </summary>
    public string? DagTarballVersion { get; init; }

    /// <summary>
    /// Version that the upload to <c>bundleUploadUrl</c> returned. Required for <c>BUNDLE</c>, where an empty text removes the
    /// bundle. Ignored for other types.
    /// </summary>
    public string? BundleTarballVersion { get; init; }
}

/// <summary>Body of DeployRollback.</summary>
public sealed record DeployRollbackRequest
{
    /// <summary>Description of the deploy that the rollback creates, at most 500 characters. Default: none.</summary>
    [StringLength(500)]
    public string? Description { get; init; }
}

/// <summary>
/// Commit that deployed code came from: in a request as the client sends it, in a response as it was stored. An empty text counts
/// as absent.
/// </summary>
public sealed record DeployGitBlock
{
    /// <summary><c>GITHUB</c>, or <c>GENERIC</c> for any other git server. Required.</summary>
    [Required, AllowedValues("GITHUB", "GENERIC")]
    public string? Provider { get; init; }

    /// <summary>Id of the commit, at most 1,024 characters. Required.</summary>
    [Required]
    public string? CommitSha { get; init; }

    /// <summary>
    /// Account or organization on GitHub, at most 1,024 characters. Required for <c>GITHUB</c>; must be absent for
    /// <c>GENERIC</c>.
    /// </summary>
    public string? Account { get; init; }

    /// <summary>
    /// Name of the repository on GitHub, at most 1,024 characters. Required for <c>GITHUB</c>; must be absent for <c>GENERIC</c>.
    /// </summary>
    public string? Repo { get; init; }

    /// <summary>
    /// URL of the remote as git prints it, at most 2,048 characters. Required for <c>GENERIC</c>; must be absent for
    /// <c>GITHUB</c>.
    /// </summary>
    public string? RemoteUrl { get; init; }

    /// <summary>Name of the branch, at most 1,024 characters. Optional.</summary>
    public string? Branch { get; init; }

    /// <summary>Directory of the project in the repository, at most 1,024 characters. Optional.</summary>
    public string? Path { get; init; }

    /// <summary>Absolute http or https URL that shows the commit, at most 2,048 characters. Optional.</summary>
    public string? CommitUrl { get; init; }

    /// <summary>Name of the commit's author, at most 1,024 characters. Optional.</summary>
    public string? AuthorName { get; init; }

    /// <summary>User name of the commit's author, at most 1,024 characters. Optional.</summary>
    public string? AuthorUsername { get; init; }

    /// <summary>Absolute http or https URL that shows the commit's author, at most 2,048 characters. Optional.</summary>
    public string? AuthorUrl { get; init; }

    /// <summary>Id of the commit that was deployed before, at most 1,024 characters. Optional.</summary>
    public string? BeforeCommitSha { get; init; }
}
