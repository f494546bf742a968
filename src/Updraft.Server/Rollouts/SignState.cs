using System.Collections.Concurrent;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Security;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Creates the signed state document of a revision. Revisions never change, so documents are cached for one minute: agents that receive the
/// same notification share one signature.
/// </summary>
internal sealed class SignState(SigningKeys keys, IOptions<AgentOptions> options, TimeProvider clock)
{
    private const int MaxCached = 1024;

    private static readonly TimeSpan ValidFor = TimeSpan.FromHours(24), CachedFor = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<(DeploymentId, long, StatePhase), (DateTimeOffset At, StateResponse Response)> _cache = new();

    /// <summary>The document of an existing revision, or of the empty revision 0.</summary>
    public async Task<StateResponse> RunAsync(UpdraftDbContext db, DeploymentId deployment, long revision, StatePhase phase,
        CancellationToken cancellationToken)
    {
        var now = clock.GetUtcNow();
        var key = (deployment, revision, phase);
        if (_cache.TryGetValue(key, out var cached) && now - cached.At < CachedFor)
            return cached.Response;
        var found = revision == 0 ? null : await db.Revisions.AsNoTracking()
            .SingleAsync(row => row.DeploymentId == deployment && row.Number == revision, cancellationToken);
        using var span = Instrumentation.BeginIn("sign state", found?.TraceParent);
        span?.SetTag(Instrumentation.DeployTag, found!.DeployId.Value).SetTag(Instrumentation.RevisionTag, revision)
            .SetTag("updraft.phase", phase.ToString());
        var state = await BuildAsync(db, deployment, revision, found, phase, now, cancellationToken);
        var response = new StateResponse(state.Sign(keys.Signing, keys.Public.KeyId), found?.TraceParent);
        if (_cache.Count >= MaxCached)
            _cache.Clear();
        _cache[key] = (now, response);
        return response;
    }

    private async Task<DesiredState> BuildAsync(UpdraftDbContext db, DeploymentId deployment, long number, Revision? revision,
        StatePhase phase, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var organization = await db.Deployments.Where(row => row.Id == deployment).Select(row => row.OrganizationId)
            .SingleAsync(cancellationToken);
        return new DesiredState
        {
            OrganizationId = organization.Value,
            DeploymentId = deployment.Value,
            Epoch = options.Value.Epoch,
            Revision = number,
            Phase = phase,
            DeployId = revision?.DeployId.Value,
            Image = revision is { ImageTag: not "" }
                ? new ImageReference(revision.ImageRepository, revision.ImageTag, revision.ImageDigest)
                : null,
            Mounts = [.. (revision?.Mounts ?? []).Select(Desired)],
            IssuedAt = now,
            ExpiresAt = now + ValidFor,
        };
    }

    private static DesiredMount Desired(RevisionMount mount) => new()
    {
        Path = mount.Path,
        Version = mount.Version,
        Manifest = mount.Manifest,
        Subfolder = mount.Subfolder,
        Files = mount.Files,
        Bytes = mount.Bytes,
    };
}
