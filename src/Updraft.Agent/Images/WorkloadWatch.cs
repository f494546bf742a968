using System.Net;
using System.Threading.Channels;

namespace Updraft.Agent.Images;

/// <summary>Watches the workloads of a selector. It lists them first, and again if the resource version becomes too old.</summary>
internal sealed class WorkloadWatch(KubernetesApi api, string selector, TimeProvider clock)
{
    private static readonly TimeSpan InspectEvery = TimeSpan.FromSeconds(10);

    /// <summary>Updates workloads until a condition is true.</summary>
    /// <param name="states">Workloads by their <see cref="Workload.Step"/>. The method updates them and removes deleted ones.</param>
    /// <param name="isDone">Condition, which is called after each change. Every ten seconds its argument is true.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="KubernetesException">The cluster rejected a request.</exception>
    public async Task WaitAsync(Dictionary<string, Workload> states, Func<bool, Task<bool>> isDone,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var changes = Channel.CreateUnbounded<Observed>();
        var following = Task.WhenAll(states.Values.Select(workload => workload.Kind).Distinct().ToList()
            .Select(kind => FollowAsync(kind, changes.Writer, stop.Token)));
        try
        {
            var (change, tick) = (NextChange(), Tick());
            while (true)
            {
                await Task.WhenAny(change, tick);
                if (change.IsCompleted)
                {
                    await change;
                    while (changes.Reader.TryRead(out var observed))
                        observed.Apply(states);
                    change = NextChange();
                }
                var isTime = tick.IsCompleted;
                if (isTime)
                {
                    await tick;
                    tick = Tick();
                }
                if (await isDone(isTime))
                    return;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Task NextChange() => changes.Reader.WaitToReadAsync(stop.Token).AsTask();

        Task Tick() => Task.Delay(InspectEvery, clock, stop.Token);
    }

    private async Task FollowAsync(WorkloadKind kind, ChannelWriter<Observed> changes, CancellationToken cancellationToken)
    {
        var backOff = new BackOff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10), clock);
        string? version = null;
        try
        {
            while (true)
            {
                try
                {
                    if (version is null)
                    {
                        var list = await api.ListAsync(kind, selector, cancellationToken);
                        version = list.Version;
                        changes.TryWrite(new Observed(kind, null, list.Items));
                    }
                    await foreach (var change in api.WatchAsync(kind, selector, version, cancellationToken))
                    {
                        backOff.Reset();
                        version = change.Workload.Version;
                        if (change.Type != "BOOKMARK")
                            changes.TryWrite(new Observed(kind, change.Type, [change.Workload]));
                    }
                    // The watch ended at its time limit. The next one continues at the last version.
                }
                catch (KubernetesException exception) when (exception.Status is HttpStatusCode.Gone or HttpStatusCode.Unauthorized)
                {
                    // The version is too old, or the token was replaced. The next list succeeds or reports the reason.
                    version = null;
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested && KubernetesApi.IsTransient(exception))
                {
                    // The connection broke or was silent for too long. The next watch continues at the last version.
                }
                await backOff.WaitAsync(cancellationToken);
            }
        }
        catch (Exception exception)
        {
            changes.TryComplete(exception);
        }
    }

    /// <summary>Workloads from a list or a watch.</summary>
    /// <param name="Kind">Kind of the workloads.</param>
    /// <param name="Type">Type of the change; null for a complete list.</param>
    /// <param name="Items">Listed or changed workloads.</param>
    private sealed record Observed(WorkloadKind Kind, string? Type, IReadOnlyList<Workload> Items)
    {
        public void Apply(Dictionary<string, Workload> states)
        {
            if (Type is null)
            {
                foreach (var gone in states.Values.Where(workload => workload.Kind == Kind).ToList())
                    states.Remove(gone.Step);
            }
            foreach (var workload in Items)
            {
                if (Type == "DELETED")
                    states.Remove(workload.Step);
                else
                    states[workload.Step] = workload;
            }
        }
    }
}
