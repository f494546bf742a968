using Microsoft.Extensions.Options;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>
/// Elects the server that does the background work of all servers on the database, such as deleting what is old or sending what is
/// due. On PostgreSQL the lead is an advisory lock of a connection of its own: it ends with the connection, whatever way that ends, and
/// another server takes it within seconds. On SQLite the one server leads. To adopt it:
/// <code>
/// protected override Task ExecuteAsync(CancellationToken stoppingToken) => lead.RunAsync(WorkAsync, stoppingToken);
/// </code>
/// </summary>
/// <remarks>
/// The lead saves work; it does not make it safe. A server that is cut off from PostgreSQL may go on for some seconds after another one
/// has begun, so whatever may not be done twice needs a row lock as well.
/// </remarks>
internal sealed partial class LeaderElection(IOptions<DatabaseOptions> options, ILogger<LeaderElection> log) : BackgroundService
{
    // Any number that no other lock of the database has: "leading" in ASCII.
    private const long LeadLock = 0x6C65_6164_696E_67;

    private static readonly TimeSpan ShortestPause = TimeSpan.FromSeconds(0.1), LongestPause = TimeSpan.FromSeconds(5);

    // Completed while this server leads, by what is cancelled when it does no longer.
    private volatile TaskCompletionSource<CancellationToken> _lead = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>
    /// Runs the work while this server leads, and from its beginning each time that it comes to lead. Returns when the work does of
    /// itself.
    /// </summary>
    /// <param name="work">Its token is cancelled when the lead is lost or the server stops. The next round of it may be at another server.</param>
    /// <param name="stoppingToken">Cancelled when the server stops.</param>
    public async Task RunAsync(Func<CancellationToken, Task> work, CancellationToken stoppingToken)
    {
        while (true)
        {
            var lead = await _lead.Task.WaitAsync(stoppingToken);
            using var either = CancellationTokenSource.CreateLinkedTokenSource(lead, stoppingToken);
            try
            {
                await work(either.Token);
            }
            catch (Exception) when (lead.IsCancellationRequested && !stoppingToken.IsCancellationRequested)
            {
                // Broken off; whoever leads next does it.
            }
            if (!lead.IsCancellationRequested)
                return;
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (!options.Value.IsShared)
        {
            _lead.SetResult(stoppingToken);
            return;
        }
        var pause = ShortestPause;
        while (true)
        {
            try
            {
                await using var connection = new NpgsqlConnection(options.Value.ForOne().ConnectionString);
                await connection.OpenAsync(stoppingToken);
                // Asked now and then: who waits inside PostgreSQL for long keeps it from tidying up.
                for (; !await TryLockAsync(connection, stoppingToken); pause = Longer(pause))
                    await Task.Delay(pause, stoppingToken);
                pause = ShortestPause;
                await RunAsLeaderAsync(connection, stoppingToken);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                LogDatabaseUnreachable(pause, exception);
                await Task.Delay(pause, stoppingToken);
                pause = Longer(pause);
            }
        }
    }

    /// <summary>Leads until the connection ends.</summary>
    private async Task RunAsLeaderAsync(NpgsqlConnection connection, CancellationToken stoppingToken)
    {
        using var lost = new CancellationTokenSource();
        LogElected();
        _lead.SetResult(lost.Token);
        try
        {
            // Nobody sends anything; this ends when the connection does.
            while (true)
                await connection.WaitAsync(stoppingToken);
        }
        finally
        {
            // First, so that whoever is broken off waits for the next lead.
            _lead = new(TaskCreationOptions.RunContinuationsAsynchronously);
            await lost.CancelAsync();
        }
    }

    private static async Task<bool> TryLockAsync(NpgsqlConnection connection, CancellationToken cancellationToken)
    {
        await using var command = new NpgsqlCommand($"SELECT pg_try_advisory_lock({LeadLock})", connection);
        return await command.ExecuteScalarAsync(cancellationToken) is true;
    }

    private static TimeSpan Longer(TimeSpan pause) => pause * 2 < LongestPause ? pause * 2 : LongestPause;

    [LoggerMessage(1, LogLevel.Information, "This server does the background work of all from now on.")]
    private partial void LogElected();

    [LoggerMessage(2, LogLevel.Warning, "This server cannot take its turn at the background work; the next attempt is in {Pause}.")]
    private partial void LogDatabaseUnreachable(TimeSpan pause, Exception exception);
}
