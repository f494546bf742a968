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
/// Writes down what an agent says and answers with the state as of now, so that an agent that has prepared need not
/// ask whether it may activate. A report that an earlier one has outdated counts as a sign of life and nothing else. An agent that gives a
/// revision up changes what the Deployment is to run, in the same transaction.
/// </summary>
/// <exception cref="ApiException">
/// 400: a field is out of range. 404: no such agent in the Deployment. 409: the epoch or the revision is unknown here.
/// </exception>
internal sealed class RecordReport(UpdraftDbContext db, SignState sign, AbortRevision giveUp, RevisionSignal signal,
    RecordActive recordActive, IOptions<AgentOptions> options, TimeProvider clock, ILogger<RecordReport> log)
{
    private const int MaxMounts = Bundle.MaxCount, MaxMessage = 2000, MaxVersion = 64, MaxReference = 1000;

    public async Task<StateResponse> RunAsync(Subject subject, AgentReport report, CancellationToken cancellationToken)
    {
        Check(report);
        var (id, target) = (new AgentId(report.AgentId), subject.AgentDeployment());
        long newest;
        StatePhase phase;
        bool isNews;
        RevisionReport? noted = null;
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
            if (report.Epoch == options.Value.Epoch && known.AgentStatus.IsMovedBy(reported))
                Write(agent, report);
            if (report.Epoch == options.Value.Epoch && report.Revision > 0 && !known.AgentStatus.Outdates(reported))
                noted = await NoteAsync(deployment, agent, report, subject.Profile, cancellationToken);
            await db.SaveChangesAsync(cancellationToken);

            newest = deployment.Revision;
            var standing = StatusOf(agent);
            if (report.Phase == AgentPhase.Active && standing.Runs(newest))
                await recordActive.RunAsync(deployment, now - options.Value.LiveFor, subject.Profile, cancellationToken);
            var barrier = agent.ImageDriver is not null || Rollout.MayWait(newest, standing)
                ? await db.ReadBarrierAsync(target, newest, now - options.Value.LiveFor, cancellationToken)
                : ImageBarrier.None;
            phase = Rollout.Tell(newest, standing, barrier);
            isNews = newest != before || (barrier.Holds(known) && !barrier.IsHeld);
            await write.CommitAsync(cancellationToken);
        }
        if (isNews)
            signal.Announce(target);
        RolloutMetrics.Count(report.Phase);
        if (noted is not null)
            await RolloutMetrics.NoteAsync(db, noted, agent, cancellationToken);
        log.Log(report.Phase == AgentPhase.Preparing ? LogLevel.Debug : LogLevel.Information,
            "Agent {Agent} is {Phase} at revision {Revision} of {Deployment}: {Bytes} bytes in {Milliseconds} ms",
            report.AgentId, report.Phase, report.Revision, target, report.FetchedBytes, report.Milliseconds);
        return await sign.RunAsync(db, target, newest, phase, cancellationToken);
    }

    private async Task<RevisionReport> NoteAsync(Deployment deployment, Agent agent, AgentReport report, SubjectProfile by,
        CancellationToken cancellationToken)
    {
        var row = await db.NoteAsync(agent, report, cancellationToken);
        if (report is { Phase: AgentPhase.Failed, HasGivenUp: true })
            await giveUp(new RevisionAborted(deployment, report.Revision, agent, by), cancellationToken);
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
            throw Unknown($"This server is in epoch {options.Value.Epoch}, the report is from epoch {report.Epoch}.");
        if (report.Epoch == options.Value.Epoch && Math.Max(report.Revision, report.ActiveRevision) > newest)
            throw Unknown($"The newest revision here is {newest}. After an older database was restored, raise Agents:Epoch.");
    }

    private static void Check(AgentReport report)
    {
        if (report.Epoch < 0 || report.Revision < 0 || report.ActiveRevision < 0 || report.FetchedBytes < 0 || report.Milliseconds < 0)
            throw ApiException.BadRequest("The numbers of a report must not be negative.");
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
                throw ApiException.BadRequest("'mounts' has an entry without a path below the root, a version and a manifest.");
            if (!paths.Add(mount.Path))
                throw ApiException.BadRequest($"'mounts' names '{ApiException.Shorten(mount.Path)}' twice.");
            if (mount.Version.Length > MaxVersion || mount.Version.Any(char.IsControl) || !Digest.TryParse(mount.Manifest, out _))
                throw ApiException.BadRequest($"'mounts' has no proper version or manifest for '{ApiException.Shorten(mount.Path)}'.");
        }
    }

    private static ApiException Unknown(string message) => new(StatusCodes.Status409Conflict, message);
}
