using System.Text.Json.Serialization;
using Microsoft.EntityFrameworkCore;
using Updraft.Protocol;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>
/// One entry of a Deployment's desired-state log: one image, and one version of every bundle. Immutable except for <see cref="ActiveAt"/>.
/// </summary>
internal sealed class Revision
{
    public required DeploymentId DeploymentId { get; init; }

    /// <summary>1, 2, 3 … within the Deployment.</summary>
    public required long Number { get; init; }

    /// <summary>The deploy that appended the revision.</summary>
    public required DeployId DeployId { get; init; }

    public required string ImageRepository { get; init; }

    /// <summary>Empty before the first deploy with an image.</summary>
    public required string ImageTag { get; init; }

    /// <summary>Digest of the tag at finalize; null without a registry.</summary>
    public string? ImageDigest { get; init; }

    public required string RuntimeVersion { get; init; }

    public required string AirflowVersion { get; init; }

    public required bool IsDagDeployEnabled { get; init; }

    /// <summary>All bundle versions that agents mount.</summary>
    public required IReadOnlyList<RevisionMount> Mounts { get; init; }

    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>W3C traceparent of the request, which the spans of agents continue; null without tracing.</summary>
    public string? TraceParent { get; set; }

    /// <summary>The first time at which all live agents ran the revision while it was the newest; null before.</summary>
    public DateTimeOffset? ActiveAt { get; set; }

    public ImageReference Image => new(ImageRepository, ImageTag, ImageDigest);

    /// <summary>The default DAG bundle; null if it is not mounted.</summary>
    public RevisionMount? Dags => MountAt(Bundle.MainPath);

    /// <summary>The bundle version at a path below the agent's root; null if none is mounted there.</summary>
    public RevisionMount? MountAt(string path) => Mounts.FirstOrDefault(mount => mount.Path == path);

    /// <summary>
    /// The next revision of a Deployment: a copy of an earlier one with the changes of a deploy. Runtime and Airflow version come from the
    /// Deployment. Call it inside a write transaction, and add the result with <see cref="AppendRevision"/>.
    /// </summary>
    /// <param name="source">The newest revision, or the target of a rollback; null for the first revision, which needs an image.</param>
    /// <param name="deployment">The locked Deployment, which assigns the number.</param>
    /// <param name="deploy">The deploy that appends the revision.</param>
    /// <param name="now">The time of the transaction.</param>
    /// <param name="image">The new image; null keeps that of <paramref name="source"/>.</param>
    /// <param name="isDagDeployEnabled">Null takes the setting of the Deployment.</param>
    /// <param name="change">The bundle that changes; null keeps all mounts.</param>
    /// <exception cref="ApiException">400: the Deployment would have too many bundles.</exception>
    public static Revision After(Revision? source, Deployment deployment, DeployId deploy, DateTimeOffset now, ImageReference? image = null,
        bool? isDagDeployEnabled = null, MountChange? change = null)
    {
        image ??= source?.Image ?? throw new ArgumentException("The first revision of a Deployment needs an image.", nameof(image));
        IReadOnlyList<RevisionMount> mounts = source?.Mounts ?? [];
        return new()
        {
            DeploymentId = deployment.Id,
            Number = deployment.NextRevision(),
            DeployId = deploy,
            ImageRepository = image.Repository,
            ImageTag = image.Tag,
            ImageDigest = image.Digest,
            RuntimeVersion = deployment.RuntimeVersion,
            AirflowVersion = deployment.AirflowVersion,
            IsDagDeployEnabled = isDagDeployEnabled ?? deployment.IsDagDeployEnabled,
            Mounts = change is null ? mounts : change.Apply(mounts),
            CreatedAt = now,
        };
    }
}

/// <summary>The change of one bundle from a revision to the next.</summary>
/// <param name="Path">Path of the bundle below the agent's root.</param>
/// <param name="Mount">The new version; null removes the bundle.</param>
internal sealed record MountChange(string Path, RevisionMount? Mount)
{
    /// <summary>Whether all DAG bundles are removed first, because the image contains the DAGs.</summary>
    public bool RemovesDags { get; init; }

    /// <summary>
    /// The mounts after the change. A bundle keeps its position; a new default DAG bundle is first, other new bundles are last.
    /// </summary>
    /// <exception cref="ApiException">400: the result has too many bundles.</exception>
    public IReadOnlyList<RevisionMount> Apply(IReadOnlyList<RevisionMount> before)
    {
        var mounts = before.Where(mount => !(RemovesDags && mount.IsDag)).ToList();
        var index = mounts.FindIndex(mount => mount.Path == Path);
        if (index >= 0)
            mounts.RemoveAt(index);
        if (Mount is null)
            return mounts;
        mounts.Insert(index >= 0 ? index : Path == Bundle.MainPath ? 0 : mounts.Count, Mount);
        return mounts.Count <= Bundle.MaxCount ? mounts : throw RolloutErrors.BundleLimit();
    }
}

/// <summary>One bundle version at its mount path. Immutable.</summary>
public sealed record RevisionMount
{
    /// <summary>The <see cref="BundleType"/> of DAG bundles. Clients cannot use it, because their types must not begin with '$'.</summary>
    public const string DagBundleType = "$dags";

    /// <summary>The client's word for the kind of a non-DAG bundle, e.g. <c>dbt</c>.</summary>
    public required string BundleType { get; init; }

    /// <summary>Absolute path as Airflow sees it.</summary>
    public required string MountPath { get; init; }

    /// <summary>Path below the agent's root.</summary>
    public required string Path { get; init; }

    public required string Version { get; init; }

    /// <summary>Digest of the manifest, hexadecimal.</summary>
    public required string Manifest { get; init; }

    /// <summary>Directory of the tree that is mounted; null for the whole tree.</summary>
    public string? Subfolder { get; init; }

    public required int Files { get; init; }

    public required long Bytes { get; init; }

    /// <summary>The deploy through which this version was uploaded.</summary>
    public required string DeployId { get; init; }

    [JsonIgnore]
    public bool IsDag => BundleType == DagBundleType;
}

/// <summary>
/// Appends a revision to a Deployment; no other class does. Also adds the rows of its bundles, and an entry to the history of each bundle
/// whose version changes. Call it inside a write transaction, save, commit, then announce the revision.
/// </summary>
internal sealed class AppendRevision(UpdraftDbContext db, EnsureBundles bundles)
{
    /// <summary>The number of newest revisions whose reports are kept.</summary>
    private const int KeptReports = 100;

    /// <param name="deployment">The locked Deployment.</param>
    /// <param name="newest">The newest revision until now; null if <paramref name="revision"/> is the first.</param>
    /// <param name="revision">The result of <see cref="Revision.After"/>.</param>
    /// <param name="by">The caller.</param>
    /// <param name="cancellationToken">Cancels the database statements.</param>
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

    /// <summary>
    /// Removes deleted DAG bundles from the lists of restored non-DAG bundles: a DAG bundle may have been deleted after the non-DAG bundle.
    /// </summary>
    private async Task AttachAsync(Deployment deployment, List<Bundle> restored, IEnumerable<Bundle> moved,
        CancellationToken cancellationToken)
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
