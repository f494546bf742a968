using Microsoft.Extensions.Options;
using Npgsql;
using Updraft.Server.Database;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Hears what other servers on the database announce, on a connection of its own, and wakes whoever waits here. What was announced
/// while there was no connection is lost, so after each new one everybody who waits looks again.
/// </summary>
internal sealed partial class ListenForRevisions(RevisionSignal signal, IOptions<DatabaseOptions> options, ILogger<ListenForRevisions> log)
    : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "listen_for_revisions";

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(0.1), LongestPause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = ShortestPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(() => pause = ShortestPause, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(WorkName);
                // Agents that wait meanwhile ask anew when their time is over.
                LogLost(pause, exception);
                await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private async Task ListenAsync(Action connected, CancellationToken cancellationToken)
    {
        await using var connection = new NpgsqlConnection(options.Value.ForSingleConnection().ConnectionString);
        connection.Notification += (_, heard) => signal.OnNotification(heard.Payload);
        await connection.OpenAsync(cancellationToken);
        await using (var listen = new NpgsqlCommand($"LISTEN {PostgresUpdraftDbContext.Channel}", connection))
            await listen.ExecuteNonQueryAsync(cancellationToken);
        connected();
        BackgroundWork.Succeeded(WorkName);
        signal.AnnounceAll();
        while (true)
            await connection.WaitAsync(cancellationToken);
    }

    [LoggerMessage(1, LogLevel.Warning, "News of other servers is not heard; the next attempt is in {Pause}.")]
    private partial void LogLost(TimeSpan pause, Exception exception);
}
