using System.Diagnostics.Metrics;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.Options;
using Updraft.Protocol;
using Updraft.Server.Agents;
using Updraft.Server.Database;
using Updraft.Server.Deployments;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Rollouts;

/// <summary>Metrics of rollouts: reports of agents, and live agents by state.</summary>
internal sealed class RolloutMetrics(IServiceScopeFactory scopes, IOptions<AgentOptions> options, TimeProvider clock)
{
    private const string Current = "current", Behind = "behind", FailedState = "failed";

    /// <summary>Bucket bounds in seconds, from the fastest deploy to an agent that needs an operator.</summary>
    private static readonly InstrumentAdvice<double> Seconds =
        new() { HistogramBucketBoundaries = [0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 900, 3600] };

    private static readonly Histogram<double> Activation = Instrumentation.Meter.CreateHistogram("updraft.deploy.activation", "s",
        "Time from finalize or rollback until an agent reports the revision as active, for each agent that was enrolled before.",
        tags: null, Seconds);

    private static readonly Histogram<double> Preparation = Instrumentation.Meter.CreateHistogram("updraft.agent.preparation", "s",
        "Time that agents report for the preparation of a revision.", tags: null, Seconds);

    private static readonly Counter<long> Fetched = Instrumentation.Meter.CreateCounter<long>("updraft.agent.fetched", "By",
        "Bytes that agents report as fetched to prepare revisions.");

    private static readonly Counter<long> Reports = Instrumentation.Meter.CreateCounter<long>("updraft.agent.reports", "{report}",
        "Reports of agents, by phase.");

    private static readonly UpDownCounter<long> Waiting = Instrumentation.Meter.CreateUpDownCounter<long>("updraft.agent.waits",
        "{request}", "Requests of agents that the server holds open until the desired state changes.");

    private Dictionary<string, int> _agents = new(StringComparer.Ordinal);

    /// <summary>Counts an accepted report.</summary>
    public static void Count(AgentPhase phase) => Add(1, phase);

    /// <summary>Records durations of the first report of each phase of a revision. Call it after the commit.</summary>
    public static async Task RecordAsync(UpdraftDbContext db, RevisionReport row, Agent agent, CancellationToken cancellationToken)
    {
        if (row.PreparedAt == agent.LastSeenAt)
        {
            Preparation.Record(row.Milliseconds / 1000);
            Fetched.Add(row.FetchedBytes);
        }
        if (row.ActiveAt != agent.LastSeenAt || !Activation.Enabled)
            return;
        var finalizedAt = await db.Revisions.Where(revision => revision.DeploymentId == row.DeploymentId && revision.Number == row.Revision)
            .Select(revision => revision.CreatedAt).SingleAsync(cancellationToken);
        // An agent that enrolled later could not have been faster.
        if (agent.EnrolledAt <= finalizedAt)
            Activation.Record((row.ActiveAt!.Value - finalizedAt).TotalSeconds);
    }

    /// <summary>Counts a waiting request until the result is disposed.</summary>
    public static IDisposable Wait()
    {
        Waiting.Add(1);
        return new WaitScope();
    }

    /// <summary>Counts the live agents. Implements <see cref="BeforeScrape"/>.</summary>
    public async Task CountAgentsAsync(CancellationToken cancellationToken)
    {
        await using var scope = scopes.CreateAsyncScope();
        var db = scope.ServiceProvider.GetRequiredService<UpdraftDbContext>();
        var since = clock.GetUtcNow() - options.Value.LiveFor;
        var groups = await (from agent in db.Agents
                            where agent.LastSeenAt > since
                            join deployment in db.Deployments on agent.DeploymentId equals deployment.Id
                            where deployment.DeletedAt == null
                            group agent by new
                            {
                                agent.Phase,
                                IsAtNewest = agent.Revision == deployment.Revision,
                                RunsNewest = agent.ActiveRevision == deployment.Revision,
                            }
                            into same
                            select new { same.Key.Phase, same.Key.IsAtNewest, same.Key.RunsNewest, Count = same.Count() })
            .ToListAsync(cancellationToken);
        var agents = new Dictionary<string, int>(StringComparer.Ordinal) { [Current] = 0, [Behind] = 0, [FailedState] = 0 };
        foreach (var group in groups)
        {
            var state = group is { Phase: AgentPhase.Failed, IsAtNewest: true } ? FailedState : group.RunsNewest ? Current : Behind;
            agents[state] += group.Count;
        }
        _agents = agents;
    }

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var phase in Enum.GetValues<AgentPhase>())
            Add(0, phase);
        Fetched.Add(0);
        Waiting.Add(0);
        var metrics = services.GetRequiredService<RolloutMetrics>();
        meter.CreateObservableGauge("updraft.agents", () => metrics._agents.Select(static entry =>
            new Measurement<int>(entry.Value, new KeyValuePair<string, object?>("state", entry.Key))), "{agent}",
            "Live agents by state: they run the newest revision of their Deployment, are behind it, or failed with it.");
    }

    private static void Add(int count, AgentPhase phase)
    {
        if (Reports.Enabled)
            Reports.Add(count, new KeyValuePair<string, object?>("phase", Name(phase)));
    }

    private static string Name(AgentPhase phase) => phase switch
    {
        AgentPhase.Preparing => "preparing",
        AgentPhase.Prepared => "prepared",
        AgentPhase.Active => "active",
        _ => "failed",
    };

    private sealed class WaitScope : IDisposable
    {
        private int _isDisposed;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
                Waiting.Add(-1);
        }
    }
}
