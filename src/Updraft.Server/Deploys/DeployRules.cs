using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Images;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys;

/// <summary>Rules for deploys that depend on the Deployment.</summary>
internal static class DeployRules
{
    /// <exception cref="ApiException">403: the Deployment accepts deploys from API tokens only, and the caller is a user.</exception>
    public static void CheckCicd(this Deployment deployment, Subject subject)
    {
        if (deployment.IsCicdEnforced && subject.Kind != SubjectKind.ServiceKey)
            throw new ApiException(DeployErrors.CicdEnforced,
                $"CI/CD is enforced for Deployment '{deployment.Id}': use an API token to deploy to it.");
    }

    /// <summary>Checks the type. Without DAG deploys, only an image that contains the DAGs is possible.</summary>
    /// <exception cref="ApiException">400: DAG deploys are disabled and the type needs them.</exception>
    public static void CheckType(this Deployment deployment, DeployType type)
    {
        if (!deployment.IsDagDeployEnabled && type != DeployType.ImageAndDag)
            throw new ApiException(DeployErrors.DagDeploysDisabled,
                // Older clients search for the words 'dag deploy is not enabled for deployment'.
                $"The server cannot accept the {type.Name()} deploy, because dag deploy is not enabled for deployment '{deployment.Id}'. "
                + $"Enable it: astro deployment update {deployment.Id} --dag-deploy enable. Or deploy an image that contains the DAGs.");
    }

    /// <summary>Checks that there are DAGs to keep, if the type keeps them.</summary>
    /// <exception cref="ApiException">400: an IMAGE_ONLY deploy, and no DAGs are deployed.</exception>
    public static void CheckDags(DeployType type, Revision? newest)
    {
        if (type == DeployType.ImageOnly && newest?.Mounts.Any(mount => mount.IsDag) != true)
        {
            throw new ApiException(DeployErrors.NoDags,
                "An IMAGE_ONLY deploy keeps the deployed DAGs, and the Deployment has none. Deploy DAGs first, or deploy image and DAGs "
                + "together.");
        }
    }

    /// <summary>
    /// Checks that the DAG bundle exists, and that the mount path of a non-DAG bundle does not overlap with another bundle.
    /// </summary>
    /// <exception cref="ApiException">400: no such DAG bundle; the mount path overlaps.</exception>
    public static async Task CheckTargetAsync(this UpdraftDbContext db, DeploymentId deployment, string? dagBundleName, MountPath? mount,
        CancellationToken cancellationToken)
    {
        if (dagBundleName is not null)
        {
            var path = Bundle.PathOf(dagBundleName);
            if (!await db.LiveBundles(deployment).AnyAsync(row => row.Path == path, cancellationToken))
            {
                throw new ApiException(DeployErrors.DagBundleNotFound,
                    $"The Deployment has no DAG bundle '{ApiException.Shorten(dagBundleName)}'; create it first.");
            }
        }
        mount?.CheckAgainst(await db.LiveBundles(deployment).Select(row => row.MountPath).ToListAsync(cancellationToken));
    }

    /// <summary>Checks that an image does not have an older runtime, because Airflow does not downgrade its database on its own.</summary>
    /// <exception cref="ApiException">400: the runtime is older.</exception>
    public static void CheckRuntime(this Deployment deployment, ResolvedImage image)
    {
        if (RuntimeVersion.IsOlder(image.RuntimeVersion, deployment.RuntimeVersion))
        {
            throw new ApiException(DeployErrors.RuntimeDowngrade,
                $"The image has runtime {image.RuntimeVersion}, which is older than runtime {deployment.RuntimeVersion} of the Deployment. "
                + $"Deploy an image with {deployment.RuntimeVersion} or newer; only a rollback returns to an older runtime.");
        }
    }

    /// <summary>
    /// The warning about a rollback to an older runtime, or to an older Airflow if the image names no runtime; null for other rollbacks.
    /// </summary>
    public static string? DowngradeWarning(Revision? before, Revision revision)
    {
        if (before is not null && RuntimeVersion.IsOlder(revision.RuntimeVersion, before.RuntimeVersion))
            return Warning($"runtime {before.RuntimeVersion}", revision.RuntimeVersion);
        // Airflow versions have three numbers, like runtime versions such as 13.0.0, so the same comparison is correct.
        return before is not null && RuntimeVersion.IsOlder(revision.AirflowVersion, before.AirflowVersion)
            ? Warning($"Airflow {before.AirflowVersion}", revision.AirflowVersion)
            : null;

        static string Warning(string from, string to) =>
            $"This rollback returns from {from} to {to}. It does not downgrade Airflow's database; "
            + "check that the older Airflow can use it.";
    }

    public static ApiException NotFinalized(DeployId id) => new(DeployErrors.NotFinalized,
        $"Deploy '{ApiException.Shorten(id.Value)}' was never finalized, so there is nothing to compare. Choose a finalized deploy.");

    public static ApiException NotFound(DeployId id) => ApiException.NotFound("deploy", id.Value);
}
