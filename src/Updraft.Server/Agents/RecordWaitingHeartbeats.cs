using Microsoft.Extensions.Options;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Agents;

/// <summary>Records heartbeats of waiting agents: a long poll may last longer than an agent is live after its last heartbeat.</summary>
internal sealed class RecordWaitingHeartbeats(WaitingAgents waiting, RecordHeartbeat recordHeartbeat, IOptions<AgentOptions> options,
    TimeProvider clock, ILogger<RecordWaitingHeartbeats> log) : BackgroundService
{
    /// <summary>Value of the metric label <c>work</c>.</summary>
    public const string WorkName = "see_waiting_agents";

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(options.Value.HeartbeatInterval, clock);
        while (await timer.WaitForNextTickAsync(stoppingToken))
        {
            try
            {
                await recordHeartbeat.RunAsync(waiting.Now, stoppingToken);
                BackgroundWork.Succeeded(WorkName);
            }
            catch (Exception exception) when (!stoppingToken.IsCancellationRequested)
            {
                BackgroundWork.Failed(WorkName);
                // The next round records the same agents again. A full disk must not stop the rounds.
                log.LogWarning(exception,
                    "Could not record heartbeats of waiting agents; retrying in {Pause}. The agents may become stale.",
                    options.Value.HeartbeatInterval);
            }
        }
    }
}
