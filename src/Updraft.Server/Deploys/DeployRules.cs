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

/// <summary>What a Deployment's settings say about deploys to it.</summary>
internal static class DeployRules
{
    /// <summary>Checks who deploys.</summary>
    /// <exception cref="ApiException">403: the Deployment takes deploys by API token only.</exception>
    public static void CheckCicd(this Deployment deployment, Subject subject)
    {
        if (deployment.IsCicdEnforced && subject.Kind != SubjectKind.ServiceKey)
            throw new ApiException(StatusCodes.Status403Forbidden,
                $"CI/CD is enforced for Deployment '{deployment.Id}': use an API token to deploy to it.");
    }

    /// <summary>Checks the type. An image that brings its own DAGs is the only thing that needs no DAG deploys.</summary>
    /// <exception cref="ApiException">400: DAG deploys are off and the type needs them.</exception>
    public static void CheckType(this Deployment deployment, DeployType type)
    {
        if (!deployment.IsDagDeployEnabled && type != DeployType.ImageAndDag)
            throw ApiException.BadRequest($"DAG deploys are off, so the type {type.Name()} is not possible: "
                + $"dag deploy is not enabled for deployment '{deployment.Id}'. Enable DAG deploys on it, or use IMAGE_AND_DAG.");
    }

    /// <summary>Checks that a deploy's target can be there: its DAG bundle, or the place of its non-DAG bundle.</summary>
    /// <exception cref="ApiException">400: no such DAG bundle; the place lies in or around another bundle.</exception>
    public static async Task CheckTargetAsync(this UpdraftDbContext db, DeploymentId deployment, string? dagBundleName, MountPath? mount,
        CancellationToken cancellationToken)
    {
        if (dagBundleName is not null)
        {
            var path = Bundle.PathOf(dagBundleName);
            if (!await db.LiveBundles(deployment).AnyAsync(row => row.Path == path, cancellationToken))
                throw ApiException.BadRequest($"There is no DAG bundle '{ApiException.Shorten(dagBundleName)}' in the Deployment; create it first.");
        }
        mount?.CheckAgainst(await db.LiveBundles(deployment).Select(row => row.MountPath).ToListAsync(cancellationToken));
    }

    /// <summary>Checks that an image does not bring an older runtime, of which Airflow's database would know nothing good.</summary>
    /// <exception cref="ApiException">400: it does.</exception>
    public static void CheckRuntime(this Deployment deployment, ResolvedImage image)
    {
        if (RuntimeVersion.IsOlder(image.RuntimeVersion, deployment.RuntimeVersion))
            throw ApiException.BadRequest($"The Deployment runs runtime {deployment.RuntimeVersion} and the image has the older {image.RuntimeVersion}. "
                + $"Deploy an image with {deployment.RuntimeVersion} or newer; only a rollback goes back to an older runtime.");
    }

    /// <summary>What to say of a rollback to an older runtime, or to an older Airflow where an image names that alone; null when it is none.</summary>
    public static string? DowngradeWarning(Revision? before, Revision revision)
    {
        if (before is not null && RuntimeVersion.IsOlder(revision.RuntimeVersion, before.RuntimeVersion))
            return Warning($"runtime {before.RuntimeVersion}", revision.RuntimeVersion);
        // Airflow counts in three numbers, as the runtime did at first.
        return before is not null && RuntimeVersion.IsOlder(revision.AirflowVersion, before.AirflowVersion)
            ? Warning($"Airflow {before.AirflowVersion}", revision.AirflowVersion)
            : null;

        static string Warning(string from, string to) =>
            $"This goes back from {from} to {to}. Airflow's database is not taken back with it; see that the older Airflow can read it.";
    }

    /// <summary>404 for a deploy.</summary>
    public static ApiException NotFound(DeployId id) => ApiException.NotFound("deploy", id.Value);
}
