namespace Updraft.Server.Webhooks;

/// <summary>Signals new events and deliveries inside this replica. Read <see cref="Next"/> before you read the database.</summary>
internal sealed class WebhookSignal
{
    private TaskCompletionSource _next = Create();

    /// <summary>Completes at the next <see cref="Announce"/>.</summary>
    public Task Next() => Volatile.Read(ref _next).Task;

    /// <summary>Call it after the commit of an event or delivery.</summary>
    public void Announce() => Interlocked.Exchange(ref _next, Create()).SetResult();

    private static TaskCompletionSource Create() => new(TaskCreationOptions.RunContinuationsAsynchronously);
}
