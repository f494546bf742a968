using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Records the report of an agent and returns the current desired state. So an agent that has prepared needs no further request before it
/// activates. A report that is older than the recorded one counts as a heartbeat only. If an agent aborts a rollout, the automatic rollback
/// is part of the same transaction.
/// </summary>
/// <exception cref="ApiException">
/// 400: a field is out of range. 404: no such agent in the Deployment. 409: the epoch or the revision is higher than the server's.
/// </exception>
internal sealed class RecordReport(UpdraftDbContext db, SignState sign, AbortRevision abortRevision, RevisionSignal signal,
    RecordActive recordActive, IOptions<AgentOptions> options, TimeProvider clock, ILogger<RecordReport> log)
{
    private const int MaxMounts = Bundle.MaxCount, MaxMessage = 2000, MaxVersion = 64, MaxReference = 1000;

    public async Task<StateResponse> RunAsync(Subject subject, AgentReport report, CancellationToken cancellationToken)
    {
        Check(report);
        var (id, target) = (new AgentId(report.AgentId), subject.AgentDeployment());
        long newest;
        StatePhase phase;
        bool isAnnounced;
        RevisionReport? recorded = null;
        Agent? agent;
        await using (var write = await db.BeginWriteAsync(cancellationToken))
        {
            var deployment = await db.LockDeploymentAsync(target, cancellationToken);
            var (before, now) = (deployment.Revision, clock.GetUtcNow());
            agent = await db.Agents.SingleOrDefaultAsync(row => row.Id == id && row.DeploymentId == target, cancellationToken)
                ?? throw ApiException.NotFound("Agent", report.AgentId);
            CheckKnown(report, before);
            var known = new ImageStatus(StatusOf(agent), agent.Image);
            agent.LastSeenAt = now;
            var reported = new AgentStatus(report.Revision, report.Phase, report.ActiveRevision);
            if (report.Epoch == options.Value.Epoch && known.AgentStatus.IsChangedBy(reported))
                Write(agent, report);
            if (report.Epoch == options.Value.Epoch && report.Revision > 0 && !known.AgentStatus.IsNewerThan(reported))
                recorded = await RecordAsync(deployment, agent, report, subject.Profile, cancellationToken);
            await db.SaveChangesAsync(cancellationToken);

            newest = deployment.Revision;
            var current = StatusOf(agent);
            if (report.Phase == AgentPhase.Active && current.Runs(newest))
                await recordActive.RunAsync(deployment, now - options.Value.LiveFor, subject.Profile, cancellationToken);
            var barrier = agent.ImageDriver is not null || Rollout.MayWait(newest, current)
                ? await db.ReadBarrierAsync(target, newest, now - options.Value.LiveFor, cancellationToken)
                : ImageBarrier.None;
            phase = Rollout.PhaseFor(newest, current, barrier);
            isAnnounced = newest != before || (barrier.Holds(known) && !barrier.IsHeld);
            await write.CommitAsync(cancellationToken);
        }
        if (isAnnounced)
            signal.Announce(target);
        RolloutMetrics.Count(report.Phase);
        if (recorded is not null)
            await RolloutMetrics.RecordAsync(db, recorded, agent, cancellationToken);
        log.Log(report.Phase == AgentPhase.Preparing ? LogLevel.Debug : LogLevel.Information,
            "Agent {Agent} reported {Phase} for revision {Revision} of {Deployment}: fetched {Bytes} bytes in {Milliseconds} ms.",
            report.AgentId, report.Phase, report.Revision, target, report.FetchedBytes, report.Milliseconds);
        return await sign.RunAsync(db, target, newest, phase, cancellationToken);
    }

    private async Task<RevisionReport> RecordAsync(Deployment deployment, Agent agent, AgentReport report, SubjectProfile by,
        CancellationToken cancellationToken)
    {
        var row = await db.RecordReportAsync(agent, report, cancellationToken);
        if (report is { Phase: AgentPhase.Failed, HasGivenUp: true })
            await abortRevision(new RevisionAborted(deployment, report.Revision, agent, by), cancellationToken);
        return row;
    }

    private static AgentStatus StatusOf(Agent agent) => new(agent.Revision, agent.Phase, agent.ActiveRevision);

    private static void Write(Agent agent, AgentReport report)
    {
        (agent.Revision, agent.Phase, agent.ActiveRevision) = (report.Revision, report.Phase, report.ActiveRevision);
        (agent.Mounts, agent.ReportedAt) = (report.Mounts, agent.LastSeenAt);
        agent.Message = report.Message is null ? null : ReportedSteps.Readable(report.Message, MaxMessage, "\n\t");
        agent.Image = agent.ImageDriver is null ? null : report.Image;
    }

    private void CheckKnown(AgentReport report, long newest)
    {
        if (report.Epoch > options.Value.Epoch)
        {
            throw new ApiException(RolloutErrors.UnknownEpoch, $"The report has epoch {report.Epoch}, and the server has epoch "
                + $"{options.Value.Epoch}. Set 'Agents:Epoch' of all replicas to {report.Epoch} or higher.");
        }
        if (report.Epoch == options.Value.Epoch && Math.Max(report.Revision, report.ActiveRevision) > newest)
        {
            throw new ApiException(RolloutErrors.UnknownRevision,
                $"The report has revision {Math.Max(report.Revision, report.ActiveRevision)}, "
                + $"and the newest revision of the server is {newest}. If you restored an older database, raise 'Agents:Epoch'.");
        }
    }

    private static void Check(AgentReport report)
    {
        if (report.Epoch < 0 || report.Revision < 0 || report.ActiveRevision < 0 || report.FetchedBytes < 0 || report.Milliseconds < 0)
            throw ApiException.BadRequest("'epoch', 'revision', 'activeRevision', 'fetchedBytes' and 'milliseconds' must not be negative.");
        if (!Enum.IsDefined(report.Phase))
            throw ApiException.BadRequest("'phase' must be PREPARING, PREPARED, ACTIVE or FAILED.");
        if (report.Image is { } image && (image is not { Repository: not null, Tag: not null }
            || $"{image.Repository}{image.Tag}{image.Digest}" is not { Length: <= MaxReference } text || text.Any(char.IsControl)))
            throw ApiException.BadRequest("'image' must have a repository and a tag, and may have a digest.");
        if (report.Steps is { } steps)
            ReportedSteps.Check(steps);
        if (report.Mounts.Count > MaxMounts)
            throw ApiException.BadRequest($"'mounts' has {report.Mounts.Count} entries; at most {MaxMounts} are accepted.");
        var paths = new HashSet<string>(StringComparer.Ordinal);
        foreach (var mount in report.Mounts)
        {
            if (mount is not { Path: not null, Version: not null, Manifest: not null } || BundlePath.Problem(mount.Path) is not null)
                throw ApiException.BadRequest("Each entry of 'mounts' must have a path below the root, a version and a manifest.");
            if (!paths.Add(mount.Path))
                throw ApiException.BadRequest($"'mounts' contains the path '{ApiException.Shorten(mount.Path)}' twice.");
            if (mount.Version.Length > MaxVersion || mount.Version.Any(char.IsControl) || !Digest.TryParse(mount.Manifest, out _))
                throw ApiException.BadRequest($"'mounts' has an invalid version or manifest for '{ApiException.Shorten(mount.Path)}'.");
        }
    }
}
