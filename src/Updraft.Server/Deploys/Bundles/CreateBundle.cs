using System.Text.RegularExpressions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Protocol.Api;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Events;
using Updraft.Server.Rollouts;
using Updraft.Server.Security;

namespace Updraft.Server.Deploys.Bundles;

/// <summary>
/// Creates a bundle, which has no version before its first deploy. At the path of a deleted bundle, it restores that bundle with its
/// history.
/// </summary>
/// <exception cref="ApiException">
/// 400: a field is invalid; the path is in use; settings or Airflow version of the Deployment do not allow it. 404: no such Deployment.
/// </exception>
internal sealed class CreateBundle(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options,
    IOptions<RuntimeOptions> runtimes, EnsureBundles ensureBundles, EventLog events)
{
    /// <summary>The contract's only <c>type</c> of a bundle.</summary>
    public const string OnlyType = "DEPLOY";

    private const string DefaultBundleType = "none";
    private const int FirstAirflowWithBundles = 3;

    private static readonly Regex NamePattern = new(@"^[a-z0-9_-]{1,32}\z",
        RegexOptions.NonBacktracking | RegexOptions.ExplicitCapture | RegexOptions.CultureInvariant);

    public async Task<BundleId> RunAsync(Subject subject, DeploymentId deploymentId, CreateBundleRequest request,
        CancellationToken cancellationToken)
    {
        TextLimit.OneOf(request.Type, "type", OnlyType, OnlyType);
        TextLimit.Check(request.Description, "description", TextLimit.Description);
        var isDag = request.IsDagBundle ?? request.Name is not null;
        if (isDag)
            CheckDag(request);
        var name = isDag ? request.Name : null;
        MountPath? mountPath = isDag ? null : ReadMountPath(request);
        var bundleType = isDag ? null : DeploySpec.CheckBundleType(
            string.IsNullOrEmpty(request.NonDagBundleType) ? DefaultBundleType : request.NonDagBundleType, "nonDagBundleType");
        var path = mountPath?.Path ?? Bundle.PathOf(name);

        await ensureBundles.CompleteAsync(deploymentId, cancellationToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        if (!deployment.IsDagDeployEnabled)
            throw new ApiException(DeployErrors.DagDeploysDisabled,
                $"DAG deploys are disabled for Deployment '{deploymentId}', so it has no bundles; enable DAG deploys first.");
        if (isDag)
            CheckAirflow(deployment);
        await CheckPathAsync(deploymentId, path, mountPath, cancellationToken);
        var dagBundleIds = isDag ? [] : await UpdateBundle.FindDagBundlesAsync(db, deploymentId, request.DagBundleIds, cancellationToken);

        var now = clock.GetUtcNow();
        var bundle = await db.Bundles.SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Path == path, cancellationToken)
            ?? ensureBundles.Add(deployment, path, name, now, subject.Profile);
        bundle.Touch(now, subject.Profile);
        (bundle.Description, bundle.BundleType, bundle.DagBundleIds) = (request.Description, bundleType, dagBundleIds);
        events.Record(EventTypes.BundleCreated, subject.Profile, deployment, bundle);
        await db.SaveChangesAsync(cancellationToken);
        await write.CommitAsync(cancellationToken);
        return bundle.Id;
    }

    private static void CheckDag(CreateBundleRequest request)
    {
        if (request.Name is null || !NamePattern.IsMatch(request.Name))
            throw ApiException.BadRequest("'name' of a DAG bundle must be 1 to 32 characters of a-z, 0-9, '-' and '_'.");
        if (request.Name == Bundle.Main)
        {
            throw new ApiException(BundleErrors.BundleExists,
                $"The name '{Bundle.Main}' belongs to the default DAG bundle, which always exists; choose another name.");
        }
        if (!string.IsNullOrEmpty(request.NonDagMountPath) || !string.IsNullOrEmpty(request.NonDagBundleType)
            || request.DagBundleIds is { Count: > 0 })
        {
            throw ApiException.BadRequest("'nonDagMountPath', 'nonDagBundleType' and 'dagBundleIds' are for non-DAG bundles only; "
                + "omit them, or set 'isDagBundle' to false and omit 'name'.");
        }
    }

    private MountPath ReadMountPath(CreateBundleRequest request)
    {
        if (!string.IsNullOrEmpty(request.Name))
            throw ApiException.BadRequest("'name' is for DAG bundles only; omit it, or set 'isDagBundle' to true.");
        return MountPath.Parse(request.NonDagMountPath, options.Value.AirflowHome, "nonDagMountPath");
    }

    /// <summary>A Deployment whose Airflow version is unknown may create DAG bundles.</summary>
    private void CheckAirflow(Deployment deployment)
    {
        var version = runtimes.Value.AirflowOr("", deployment.AirflowVersion, deployment.RuntimeVersion);
        var major = version.Split('.')[0];
        if (int.TryParse(major, System.Globalization.CultureInfo.InvariantCulture, out var number) && number < FirstAirflowWithBundles)
        {
            throw new ApiException(BundleErrors.AirflowTooOld,
                $"DAG bundles other than '{Bundle.Main}' need Airflow {FirstAirflowWithBundles}; "
                + $"the Deployment runs {version}. Deploy an image with a newer Airflow first.");
        }
    }

    private async Task CheckPathAsync(DeploymentId deployment, string path, MountPath? mountPath, CancellationToken cancellationToken)
    {
        var live = await db.LiveBundles(deployment).Select(row => new { row.Path, row.MountPath }).ToListAsync(cancellationToken);
        if (live.Find(row => row.Path == path) is { } existing)
            throw new ApiException(BundleErrors.BundleExists, $"A bundle at {existing.MountPath} already exists; deploy to it.");
        if (live.Count >= Bundle.MaxCount)
            throw RolloutErrors.BundleLimit();
        mountPath?.CheckAgainst(live.Select(row => row.MountPath));
    }
}
