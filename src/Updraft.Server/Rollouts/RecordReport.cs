using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Api;
using Updraft.Server.Bundles;
using Updraft.Server.Database;
using Updraft.Server.Deployments;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Writes down what an agent says and answers with the state as of now, so that an agent that has prepared need not
/// ask whether it may activate. A report that an earlier one has outdated counts as a sign of life and nothing else.
/// </summary>
/// <exception cref="ApiException">
/// 400: a field is out of range. 404: no such agent in the Deployment. 409: the epoch or the revision is unknown here.
/// </exception>
internal sealed class RecordReport(UpdraftDbContext db, SignState sign, IOptions<AgentOptions> options,
    TimeProvider clock, ILogger<RecordReport> log)
{
    private const int MaxMounts = Bundle.Most, MaxMessage = 2000, MaxVersion = 64;

    public async Task<StateResponse> RunAsync(DeploymentId deployment, AgentReport report, CancellationToken cancellationToken)
    {
        Check(report);
        var reported = new Standing(report.Revision, report.Phase, report.ActiveRevision);
        var id = new AgentId(report.AgentId);
        long newest;
        StatePhase phase;
        await using (var write = await db.BeginWriteAsync(cancellationToken))
        {
            newest = (await db.LockDeploymentAsync(deployment, cancellationToken)).Revision;
            var agent = await db.Agents.SingleOrDefaultAsync(row => row.Id == id && row.DeploymentId == deployment, cancellationToken)
                ?? throw ApiException.NotFound("Agent", report.AgentId);
            CheckKnown(report, newest);
            var known = new Standing(agent.Revision, agent.Phase, agent.ActiveRevision);
            agent.LastSeenAt = clock.GetUtcNow();
            if (report.Epoch == options.Value.Epoch && !known.Outdates(reported))
            {
                Write(agent, report);
                if (report.Revision > 0)
                    await db.NoteAsync(agent, report, cancellationToken);
            }
            phase = Rollout.Tell(newest, new Standing(agent.Revision, agent.Phase, agent.ActiveRevision));
            await db.SaveChangesAsync(cancellationToken);
            await write.CommitAsync(cancellationToken);
        }
        log.LogInformation("Agent {Agent} is {Phase} at revision {Revision} of {Deployment}: {Bytes} bytes in {Milliseconds} ms",
            report.AgentId, report.Phase, report.Revision, deployment, report.FetchedBytes, report.Milliseconds);
        return await sign.RunAsync(db, deployment, newest, phase, cancellationToken);
    }

    private static void Write(Agent agent, AgentReport report)
    {
        (agent.Revision, agent.Phase, agent.ActiveRevision) = (report.Revision, report.Phase, report.ActiveRevision);
        (agent.Mounts, agent.Message, agent.ReportedAt) = (report.Mounts, Readable(report.Message), agent.LastSeenAt);
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
            throw ApiException.BadRequest("'phase' must be PREPARED, ACTIVE or FAILED.");
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

    private static string? Readable(string? message)
    {
        if (message is null)
            return null;
        // A cut through a surrogate pair would leave half a character.
        var length = message.Length <= MaxMessage ? message.Length
            : char.IsHighSurrogate(message[MaxMessage - 1]) ? MaxMessage - 1 : MaxMessage;
        return string.Create(length, message, static (text, source) =>
        {
            for (var i = 0; i < text.Length; i++)
                text[i] = char.IsControl(source[i]) && source[i] is not ('\n' or '\t') ? '?' : source[i];
        });
    }
}
