using Microsoft.Extensions.Options;
using Npgsql;
using Updraft.Server.Database;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Receives the notifications of other replicas on a connection of its own, and completes the waits on this replica. Notifications during a
/// lost connection are lost, so after each reconnect all waits complete and read the database again.
/// </summary>
internal sealed partial class ListenForRevisions(RevisionSignal signal, IOptions<DatabaseOptions> options, ILogger<ListenForRevisions> log)
    : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "listen_for_revisions";

    private static readonly TimeSpan MinPause = TimeSpan.FromSeconds(0.1), MaxPause = TimeSpan.FromSeconds(5);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        var pause = MinPause;
        while (!stoppingToken.IsCancellationRequested)
        {
            try
            {
                await ListenAsync(() => pause = MinPause, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(WorkName);
                LogLost(pause, exception);
                await Task.Delay(pause, stoppingToken).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                pause = pause * 2 < MaxPause ? pause * 2 : MaxPause;
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
        connection.Notification += (_, notification) => signal.OnNotification(notification.Payload);
        await connection.OpenAsync(cancellationToken);
        await using (var listen = new NpgsqlCommand($"LISTEN {PostgresUpdraftDbContext.Channel}", connection))
            await listen.ExecuteNonQueryAsync(cancellationToken);
        connected();
        BackgroundWork.Succeeded(WorkName);
        signal.AnnounceAll();
        while (true)
            await connection.WaitAsync(cancellationToken);
    }

    [LoggerMessage(1, LogLevel.Warning,
        "Lost the connection for notifications of other replicas; retrying in {Pause}. Agents on this replica may learn of deploys late.")]
    private partial void LogLost(TimeSpan pause, Exception exception);
}
