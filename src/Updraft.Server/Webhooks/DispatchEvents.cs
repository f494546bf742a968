namespace Updraft.Server.Webhooks;

/// <summary>
/// Enqueues deliveries for events: at once after a commit on this replica, and every few seconds for events of other replicas.
/// </summary>
internal sealed partial class DispatchEvents(IServiceScopeFactory scopes, WebhookSignal signal, TimeProvider clock,
    ILogger<DispatchEvents> log) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var signaled = signal.Next();
            try
            {
                while (await RunAsync(stoppingToken))
                {
                    // More events are pending than one transaction handles.
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // The events stay pending.
                LogFailed(exception);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.WhenAny(signaled, Task.Delay(Poll, clock, stoppingToken));
        }
    }

    private async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var (events, deliveries) = await scope.ServiceProvider.GetRequiredService<EnqueueDeliveries>().RunAsync(cancellationToken);
        if (deliveries > 0)
            signal.Announce();
        return events == EnqueueDeliveries.BatchSize;
    }

    [LoggerMessage(1, LogLevel.Warning, "Could not enqueue events for webhooks; retrying in a few seconds. Webhooks get them late.")]
    private partial void LogFailed(Exception exception);
}
