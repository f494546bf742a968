using Microsoft.Extensions.Options;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Agents;

/// <summary>Keeps the agents live that wait for news: a wait may last longer than an agent counts as live without a word.</summary>
internal sealed class RecordWaitingHeartbeats(WaitingAgents waiting, RecordHeartbeat see, IOptions<AgentOptions> options, TimeProvider clock,
    ILogger<RecordWaitingHeartbeats> log) : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "see_waiting_agents";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.SeenEvery, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await see.RunAsync(waiting.Now, stoppingToken);
                BackgroundWork.Succeeded(WorkName);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(WorkName);
                // The next round writes the same again; a full disk must not stop the rounds.
                log.LogWarning(exception, "Agents could not be marked as seen.");
            }
        }
    }
}
