using Microsoft.Extensions.Options;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// Elects the leader, the replica that does the shared background work, such as the deletion of old events. On PostgreSQL, the leader
/// holds an advisory lock on a connection of its own. PostgreSQL releases the lock when the connection ends for any reason, and another
/// replica takes it within seconds. On SQLite, the only server is the leader. Usage:
/// <code>
/// protected override Task ExecuteAsync(CancellationToken stoppingToken) => leader.RunAsync(WorkAsync, stoppingToken);
/// </code>
/// </summary>
/// <remarks>
/// The election saves work, but is not a lock for correctness. A leader that loses its connection to PostgreSQL may continue for some
/// seconds after another replica has started. Work that must not happen twice needs a row lock as well.
/// </remarks>
internal sealed partial class LeaderElection(IOptions<DatabaseOptions> options, ILogger<LeaderElection> log) : BackgroundService
{
    // "leading" in ASCII. No other advisory lock of the database may have this number.
    private const long LeaderLock = 0x6C65_6164_696E_67;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(0.1), LongestPause = TimeSpan.FromSeconds(5);

    // Completed while this replica is the leader. The token is canceled when it loses the lock.
    private volatile TaskCompletionSource<CancellationToken> _leadership = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Runs the work while this replica is the leader, and starts it again each time that the replica becomes the leader. Returns when
    /// the work completes.
    /// </summary>
    /// <param name="work">Its token is canceled when the replica loses the lock, or when the server stops.</param>
    /// <param name="stoppingToken">Canceled when the server stops.</param>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        while (true)
        {
            var lost = await _leadership.Task.WaitAsync(stoppingToken);
            using var canceled = CancellationTokenSource.CreateLinkedTokenSource(lost, stoppingToken);
            try
            {
                await work(canceled.Token);
            }
            catch (Exception) when (lost.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
            {
                // The next leader does the work.
            }
            if (!lost.IsCancellationRequested)
                return;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.IsShared)
        {
            _leadership.SetResult(stoppingToken);
            return;
        }
        var pause = ShortestPause;
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(options.Value.ForSingleConnection().ConnectionString);
                await connection.OpenAsync(stoppingToken);
                // Polls, because a long wait inside of PostgreSQL holds a snapshot, which blocks its vacuum.
                for (; !await TryLockAsync(connection, stoppingToken); pause = Longer(pause))
                    await Task.Delay(pause, stoppingToken);
                pause = ShortestPause;
                await RunAsLeaderAsync(connection, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogConnectionLost(pause, exception);
                await Task.Delay(pause, stoppingToken);
                pause = Longer(pause);
            }
        }
    }

    /// <summary>Is the leader until the connection ends.</summary>
    private async Task RunAsLeaderAsync(NpgsqlConnection connection, CancellationToken stoppingToken)
    {
        using var lost = new CancellationTokenSource();
        LogElected();
        _leadership.SetResult(lost.Token);
        try
        {
            // No message is expected. The wait throws when the connection ends.
            while (true)
                await connection.WaitAsync(stoppingToken);
        }
        finally
        {
            // Before the cancellation, so that canceled work waits for the next election.
            _leadership = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await lost.CancelAsync();
        }
    }

    private static async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({LeaderLock})", connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    [LoggerMessage(1, LogLevel.Information, "This replica became the leader. It now does the shared background work.")]
    private partial void LogElected();

    [LoggerMessage(2, LogLevel.Warning,
        "Lost the PostgreSQL connection for leader election; retrying in {Pause}. Another replica can become the leader.")]
    private partial void LogConnectionLost(TimeSpan pause, Exception exception);
}
