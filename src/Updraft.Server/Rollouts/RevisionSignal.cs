using System.Collections.Concurrent;
using Updraft.Protocol;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Notifies the agents that wait for a Deployment: after the commit of a revision, and when the last image of an <see cref="ImageBarrier"/>
/// is ready. Other reports change only the state of the reporting agent, which receives it in the response. Call <see cref="Next"/> before
/// you read the database, and await the task afterwards; then no notification is missed.
/// </summary>
internal sealed class RevisionSignal
{
    private const string PayloadPrefix = "revision ";

    private readonly ConcurrentDictionary<DeploymentId, TaskCompletionSource> _waiting = new();

    /// <summary>Completes at the next <see cref="Announce"/> for the Deployment.</summary>
    public Task Next(DeploymentId deployment) =>
        _waiting.GetOrAdd(deployment, static _ => new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously)).Task;

    /// <summary>Completes all waits. Call it when notifications of other replicas may have been lost, and when the server stops.</summary>
    public void AnnounceAll()
    {
        foreach (var (deployment, _) in _waiting)
            Announce(deployment);
    }

    /// <summary>The payload of the notification to other replicas.</summary>
    public static string ChannelPayload(DeploymentId deployment) => PayloadPrefix + deployment.Value;

    /// <summary>Handles a notification of another replica; ignores payloads of other kinds.</summary>
    public void OnNotification(string payload)
    {
        if (payload.StartsWith(PayloadPrefix, StringComparison.Ordinal))
            Announce(new DeploymentId(payload[PayloadPrefix.Length..]));
    }

    /// <summary>Completes the waits for the Deployment. Call it after the commit.</summary>
    public void Announce(DeploymentId deployment)
    {
        if (_waiting.TryRemove(deployment, out var waiting))
            waiting.SetResult();
    }
}
