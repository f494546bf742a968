using Updraft.Server.Api;

namespace Updraft.Server.Deploys;

/// <summary>Errors of deploys and of their bundles.</summary>
internal static class DeployErrors
{
    public static readonly ErrorCode CicdEnforced = new("cicd_enforced", StatusCodes.Status403Forbidden,
        "The Deployment accepts deploys from API tokens only, and the caller is a user.",
        "Deploy with an API token, or turn off 'isCicdEnforced' of the Deployment.");

    public static readonly ErrorCode DagDeploysDisabled = new("dag_deploys_disabled", StatusCodes.Status400BadRequest,
        "The deploy or bundle needs DAG deploys, which are disabled for the Deployment.",
        "Set 'isDagDeployEnabled' of the Deployment to true, or deploy an image with the type IMAGE_AND_DAG.");

    public static readonly ErrorCode DagBundleNotFound = new("dag_bundle_not_found", StatusCodes.Status400BadRequest,
        "The request names a DAG bundle that the Deployment does not have.",
        "List the bundles of the Deployment; create the DAG bundle, or use the name or id of another one.");

    public static readonly ErrorCode MountPathConflict = new("mount_path_conflict", StatusCodes.Status400BadRequest,
        "The mount path of a bundle is inside another bundle, or contains one.",
        "Choose another mount path, or delete the other bundle first.");

    public static readonly ErrorCode RuntimeDowngrade = new("runtime_downgrade", StatusCodes.Status400BadRequest,
        "The image has an older runtime than the Deployment.",
        "Deploy an image with the same or a newer runtime. To return to an older runtime, roll back to an earlier deploy.");

    public static readonly ErrorCode VersionNotUploaded = new("version_not_uploaded", StatusCodes.Status400BadRequest,
        "Finalize names a bundle version that was not uploaded through the same deploy.",
        "Upload the archive to the URL of this deploy, then send the version from the header 'x-ms-version-id' of the response.");

    public static readonly ErrorCode AlreadyFinalized = new("deploy_already_finalized", StatusCodes.Status400BadRequest,
        "The deploy was finalized with another version. Rollbacks are finalized when they are created.",
        "Create a new deploy.");

    public static readonly ErrorCode DeployFailed = new("deploy_failed", StatusCodes.Status400BadRequest,
        "The deploy failed, so it cannot be finalized, and it cannot be the target of a rollback.",
        "Create a new deploy, or roll back to another one.");

    public static readonly ErrorCode NotFinalized = new("deploy_not_finalized", StatusCodes.Status400BadRequest,
        "The operation needs a finalized deploy, and the deploy was never finalized.",
        "Finalize the deploy, or name another one.");

    public static readonly ErrorCode NoDags = new("no_dags_deployed", StatusCodes.Status400BadRequest,
        "An IMAGE_ONLY deploy keeps the deployed DAGs, and the Deployment has none.",
        "Deploy DAGs first, or use the type IMAGE_AND_DAG.");
}
