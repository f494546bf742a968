using System.Net;
using System.Threading.Channels;

namespace Updraft.Agent.Images;

/// <summary>Follows the workloads of a selector: lists them, then watches, and lists again when the cluster has forgotten where that was.</summary>
internal sealed class WorkloadWatch(KubernetesApi api, string selector, TimeProvider clock)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(10);

    /// <summary>Waits until somebody has seen enough.</summary>
    /// <param name="states">The workloads as they are known, by their <see cref="Workload.Step"/>; kept up to date, what is gone is taken out.</param>
    /// <param name="isEnough">Asked after each change, and every ten seconds; then its argument is true.</param>
    /// <param name="cancellationToken">Ends the wait.</param>
    /// <exception cref="KubernetesException">The cluster refuses it.</exception>
    public async Task WaitAsync(Dictionary<string, Workload> states, Func<bool, Task<bool>> isEnough,
        CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        var news = Channel.CreateUnbounded<Observed>();
        var following = Task.WhenAll(states.Values.Select(workload => workload.Kind).Distinct().ToList().Select(kind => FollowAsync(kind, news.Writer, stop.Token)));
        try
        {
            var (more, tick) = (News(), Tick());
            while (true)
            {
                await Task.WhenAny(more, tick);
                if (more.IsCompleted)
                {
                    await more;
                    while (news.Reader.TryRead(out var observed))
                        observed.Apply(states);
                    more = News();
                }
                var isTime = tick.IsCompleted;
                if (isTime)
                {
                    await tick;
                    tick = Tick();
                }
                if (await isEnough(isTime))
                    return;
            }
        }
        finally
        {
            await stop.CancelAsync();
            await following.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }

        Task News() => news.Reader.WaitToReadAsync(stop.Token).AsTask();

        Task Tick() => Task.Delay(LookEvery, clock, stop.Token);
    }

    private async Task FollowAsync(WorkloadKind kind, ChannelWriter<Observed> news, CancellationToken cancellationToken)
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
                        news.TryWrite(new Observed(kind, null, list.Items));
                    }
                    await foreach (var change in api.WatchAsync(kind, selector, version, cancellationToken))
                    {
                        backOff.Reset();
                        version = change.Workload.Version;
                        if (change.Type != "BOOKMARK")
                            news.TryWrite(new Observed(kind, change.Type, [change.Workload]));
                    }
                    // It ended in order, because its time was over: from where it was it goes on.
                }
                catch (KubernetesException exception) when (exception.Status is HttpStatusCode.Gone or HttpStatusCode.Unauthorized)
                {
                    // Too old a version, or a token that was replaced just now; listing decides what is to be thought of that.
                    version = null;
                }
                catch (Exception exception) when (!cancellationToken.IsCancellationRequested && KubernetesApi.IsTransient(exception))
                {
                    // Cut, or nothing came for too long: the next one begins where this one was.
                }
                await backOff.WaitAsync(cancellationToken);
            }
        }
        catch (Exception exception)
        {
            news.TryComplete(exception);
        }
    }

    /// <param name="Kind">Of what.</param>
    /// <param name="Type">What happened; null when these are all there are.</param>
    /// <param name="Items">To which.</param>
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
