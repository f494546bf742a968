using Updraft.Server.Telemetry;

namespace Updraft.Server.Database;

/// <summary>
/// Background work that the leader does every hour, first when this replica becomes the leader; see <see cref="LeaderElection"/>. A
/// failed round is not retried before the next hour. The next round must find the same work again.
/// </summary>
/// <param name="leader">Runs the work while this replica is the leader.</param>
/// <param name="clock">Measures the hours.</param>
/// <param name="log">Receives failures of rounds.</param>
/// <param name="work">Value of the metric label <c>work</c>.</param>
internal abstract class HourlyWork(LeaderElection leader, TimeProvider clock, ILogger log, string work) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromHours(1);

    protected TimeProvider Clock => clock;

    protected ILogger Log => log;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => leader.RunAsync(RunHourlyAsync, stoppingToken);

    /// <summary>Does one round of the work.</summary>
    protected abstract Task RunAsync(CancellationToken cancellationToken);

    private async Task RunHourlyAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Interval, clock);
        do
        {
            try
            {
                await RunAsync(stoppingToken);
                BackgroundWork.Succeeded(work);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(work);
                log.LogWarning(exception, "The background work {Work} failed; retrying in an hour.", work);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
