using System.Collections.Concurrent;
using Updraft.Protocol;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Wakes whoever waits for news of a Deployment: after a commit of a revision, and when the last agent lets its image run that others
/// waited for. What an agent reports otherwise changes only what that agent is told, and it is told in the answer. Take <see cref="Next"/> before reading the database and await it
/// afterwards; nothing is missed then.
/// </summary>
internal sealed class RevisionSignal
{
    private readonly ConcurrentDictionary<DeploymentId, TaskCompletionSource> _waiting = new();

    /// <summary>Completes at the next <see cref="Announce"/> for the Deployment.</summary>
    public Task Next(DeploymentId deployment) =>
        _waiting.GetOrAdd(deployment, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Wakes everybody who waits for the Deployment. Call after the commit.</summary>
    public void Announce(DeploymentId deployment)
    {
        if (_waiting.TryRemove(deployment, out var waiting))
            waiting.SetResult();
    }
}
