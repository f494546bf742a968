namespace Updraft.Server.Webhooks;

/// <summary>Takes up events as soon as they are committed here, and every few seconds those of other servers.</summary>
internal sealed partial class DispatchEvents(IServiceScopeFactory scopes, WebhookSignal signal, TimeProvider clock, ILogger<DispatchEvents> log) : BackgroundService
{
    private static readonly TimeSpan Poll = TimeSpan.FromSeconds(3);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (!stoppingToken.IsCancellationRequested)
        {
            var news = signal.Next();
            try
            {
                while (await RunAsync(stoppingToken))
                {
                    // As long as there are more than one transaction takes.
                }
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                // They stay pending.
                LogFailed(exception);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            await Task.WhenAny(news, Task.Delay(Poll, clock, stoppingToken));
        }
    }

    private async Task<bool> RunAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var (events, deliveries) = await scope.ServiceProvider.GetRequiredService<EnqueueDeliveries>().RunAsync(cancellationToken);
        if (deliveries > 0)
            signal.Announce();
        return events == EnqueueDeliveries.Most;
    }

    [LoggerMessage(1, LogLevel.Warning, "Events could not be taken up for webhooks; they are tried again.")]
    private partial void LogFailed(Exception exception);
}
