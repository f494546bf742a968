using Microsoft.EntityFrameworkCore;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>
/// The one way in which a Deployment moves. Call it inside a write transaction, save and commit, and announce the revision afterwards.
/// Whatever made the revision, the bundles that it moves get their rows and an entry in their history.
/// </summary>
internal sealed class AppendRevision(UpdraftDbContext db, EnsureBundles bundles)
{
    /// <summary>How many revisions back it is remembered when which agent prepared and activated them.</summary>
    private const int KeptReports = 100;

    /// <param name="deployment">Its number was taken from this.</param>
    /// <param name="newest">The revision before; null for the first.</param>
    /// <param name="revision">What is to run from now on.</param>
    /// <param name="by">Who moves it.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task RunAsync(Deployment deployment, Revision? newest, Revision revision, SubjectProfile by,
        CancellationToken cancellationToken)
    {
        revision.TraceParent = Instrumentation.Current;
        db.Revisions.Add(revision);
        await db.AnnounceAtCommitAsync(RevisionSignal.ChannelPayload(deployment.Id), cancellationToken);
        var moved = revision.Mounts.Where(mount => newest?.MountAt(mount.Path)?.Version != mount.Version).ToList();
        var found = await bundles.FindOrAddAsync(deployment, moved, revision.CreatedAt, by, cancellationToken);
        var restored = found.Select(row => row.Bundle).Where(bundle => bundle is { IsDag: false, DeletedAt: not null }).ToList();
        foreach (var (mount, bundle) in found)
        {
            bundle.Touch(revision.CreatedAt, by);
            bundle.BundleType = mount.IsDag ? null : mount.BundleType;
            db.BundleMoves.Add(Move(bundle, mount, revision));
        }
        if (restored.Count > 0)
            await AttachAsync(deployment, restored, found.Select(row => row.Bundle), cancellationToken);
        (deployment.UpdatedAt, deployment.UpdatedBy) = (revision.CreatedAt, by);
        await db.RevisionReports.Where(row => row.DeploymentId == deployment.Id && row.Revision <= revision.Number - KeptReports)
            .ExecuteDeleteAsync(cancellationToken);
    }

    /// <summary>The DAG bundles that a non-DAG bundle belonged to may have been deleted after it was.</summary>
    private async Task AttachAsync(Deployment deployment, List<Bundle> restored, IEnumerable<Bundle> moved, CancellationToken cancellationToken)
    {
        var live = await db.LiveBundles(deployment.Id).AsNoTracking().Where(row => row.Name != null).ToListAsync(cancellationToken);
        var main = live.Single(row => row.IsDefault).Id.Value;
        var known = live.Concat(moved.Where(bundle => bundle.IsDag)).Select(bundle => bundle.Id.Value).ToHashSet(StringComparer.Ordinal);
        foreach (var bundle in restored)
        {
            List<string> left = [.. bundle.DagBundleIds.Where(known.Contains)];
            bundle.DagBundleIds = left.Count > 0 ? left : [main];
        }
    }

    private static BundleMove Move(Bundle bundle, RevisionMount mount, Revision revision) => new()
    {
        BundleId = bundle.Id,
        Revision = revision.Number,
        DeploymentId = revision.DeploymentId,
        Version = mount.Version,
        DeployId = revision.DeployId,
        CreatedAt = revision.CreatedAt,
    };
}
