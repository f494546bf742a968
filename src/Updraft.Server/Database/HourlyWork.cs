using Updraft.Server.Telemetry;

namespace Updraft.Server.Database;

/// <summary>
/// Work that one of all servers on the database does every hour: it begins when this server comes to lead, see <see cref="LeaderElection"/>. A round
/// that fails is not repeated before the next one, which finds the same again.
/// </summary>
/// <param name="lead">Says when this server leads.</param>
/// <param name="clock">Time.</param>
/// <param name="log">Where a failed round is told.</param>
/// <param name="work">What it is, as <see cref="BackgroundWork"/> names it.</param>
internal abstract class HourlyWork(LeaderElection lead, TimeProvider clock, ILogger log, string work) : BackgroundService
{
    private static readonly TimeSpan Every = TimeSpan.FromHours(1);

    protected TimeProvider Clock => clock;

    protected ILogger Log => log;

    protected override Task ExecuteAsync(CancellationToken stoppingToken) => lead.RunAsync(EveryHourAsync, stoppingToken);

    /// <summary>One round.</summary>
    protected abstract Task RunAsync(CancellationToken cancellationToken);

    private async Task EveryHourAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Every, clock);
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
                log.LogWarning(exception, "The work {Work} failed; its next round is in an hour.", work);
            }
        }
        while (await timer.WaitForNextTickAsync(stoppingToken));
    }
}
