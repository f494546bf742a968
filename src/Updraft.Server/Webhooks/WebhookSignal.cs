namespace Updraft.Server.Webhooks;

/// <summary>Wakes whoever takes up events and sends them, on this server. Take <see cref="Next"/> before reading the database.</summary>
internal sealed class WebhookSignal
{
    private TaskCompletionSource _next = Fresh();

    /// <summary>Completes at the next <see cref="Announce"/>.</summary>
    public Task Next() => Volatile.Read(ref _next).Task;

    /// <summary>There is something to do. Call after the commit.</summary>
    public void Announce() => Interlocked.Exchange(ref _next, Fresh()).SetResult();

    private static TaskCompletionSource Fresh() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
