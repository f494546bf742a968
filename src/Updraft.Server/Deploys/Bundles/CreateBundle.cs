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

/// <summary>Makes a bundle, which has no version before its first deploy. Where one was deleted, it is the same bundle again.</summary>
/// <exception cref="ApiException">
/// 400: a field; the place is taken; the Deployment's settings or its Airflow do not allow it. 404: no such Deployment.
/// </exception>
internal sealed class CreateBundle(UpdraftDbContext db, TimeProvider clock, IOptions<ServerOptions> options, EnsureBundles register,
    EventLog events)
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
        MountPath? place = isDag ? null : Place(request);
        var bundleType = isDag ? null : DeploySpec.CheckBundleType(
            string.IsNullOrEmpty(request.NonDagBundleType) ? DefaultBundleType : request.NonDagBundleType, "nonDagBundleType");
        var path = place?.Path ?? Bundle.PathOf(name);

        await register.CompleteAsync(deploymentId, cancellationToken);
        await using var write = await db.BeginWriteAsync(cancellationToken);
        var deployment = await db.LockDeploymentAsync(deploymentId, cancellationToken);
        if (!deployment.IsDagDeployEnabled)
            throw ApiException.BadRequest($"DAG deploys are off for Deployment '{deploymentId}', so it has no bundles; enable DAG deploys first.");
        if (isDag)
            CheckAirflow(deployment);
        await CheckRoomAsync(deploymentId, path, place, cancellationToken);
        var dagBundleIds = isDag ? [] : await UpdateBundle.FindDagBundlesAsync(db, deploymentId, request.DagBundleIds, cancellationToken);

        var now = clock.GetUtcNow();
        var bundle = await db.Bundles.SingleOrDefaultAsync(row => row.DeploymentId == deploymentId && row.Path == path, cancellationToken)
            ?? register.Add(deployment, path, name, now, subject.Profile);
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
            throw ApiException.BadRequest("'name' must be 1 to 32 of a-z, 0-9, '-' and '_' for a DAG bundle.");
        if (request.Name == Bundle.Main)
            throw ApiException.BadRequest($"The name '{Bundle.Main}' is that of the default DAG bundle, which is there already; choose another.");
        if (!string.IsNullOrEmpty(request.NonDagMountPath) || !string.IsNullOrEmpty(request.NonDagBundleType) || request.DagBundleIds is { Count: > 0 })
            throw ApiException.BadRequest("'nonDagMountPath', 'nonDagBundleType' and 'dagBundleIds' belong to non-DAG bundles; leave them out, "
                + "or set 'isDagBundle' to false and leave out 'name'.");
    }

    private MountPath Place(CreateBundleRequest request)
    {
        if (!string.IsNullOrEmpty(request.Name))
            throw ApiException.BadRequest("'name' belongs to DAG bundles; leave it out, or set 'isDagBundle' to true.");
        return MountPath.Parse(request.NonDagMountPath, options.Value.AirflowHome, "nonDagMountPath");
    }

    /// <summary>An Airflow that nobody knows the version of is given the benefit of the doubt.</summary>
    private static void CheckAirflow(Deployment deployment)
    {
        var major = deployment.AirflowVersion.Split('.')[0];
        if (int.TryParse(major, System.Globalization.CultureInfo.InvariantCulture, out var number) && number < FirstAirflowWithBundles)
            throw ApiException.BadRequest($"DAG bundles beside '{Bundle.Main}' need Airflow {FirstAirflowWithBundles}; "
                + $"the Deployment runs {deployment.AirflowVersion}.");
    }

    private async Task CheckRoomAsync(DeploymentId deployment, string path, MountPath? place, CancellationToken cancellationToken)
    {
        var live = await db.LiveBundles(deployment).Select(row => new { row.Path, row.MountPath }).ToListAsync(cancellationToken);
        if (live.Find(row => row.Path == path) is { } taken)
            throw ApiException.BadRequest($"There is a bundle at {taken.MountPath} already; deploy to it.");
        if (live.Count >= Bundle.MaxCount)
            throw ApiException.BadRequest($"A Deployment has at most {Bundle.MaxCount} bundles; delete one first.");
        place?.CheckAgainst(live.Select(row => row.MountPath));
    }
}
