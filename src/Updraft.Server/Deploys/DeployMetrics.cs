using System.Diagnostics.Metrics;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Deploys;

/// <summary>Counts deploys by type and result.</summary>
internal static class DeployMetrics
{
    private const string Deployed = "deployed", RolledBack = "rolled_back", Failed = "failed";

    private static readonly Counter<long> Deploys = Instrumentation.Meter.CreateCounter<long>("updraft.deploys", "{deploy}",
        "Deploys by type and result: finalized, rolled back, or failed because the image did not become ready.");

    /// <summary>Counts a deploy that appended a revision. Call it after the commit.</summary>
    public static void Count(Deploy deploy) => Add(1, deploy.Type, deploy.RollbackFromId is null ? Deployed : RolledBack);

    /// <summary>Counts a deploy whose image did not become ready.</summary>
    public static void CountFailed(Deploy deploy) => Add(1, deploy.Type, Failed);

    public static void Begin(IServiceProvider services, Meter meter)
    {
        foreach (var type in Enum.GetValues<DeployType>())
        {
            foreach (var result in (string[])[Deployed, RolledBack, Failed])
                Add(0, type, result);
        }
    }

    private static void Add(int count, DeployType type, string result)
    {
        if (Deploys.Enabled)
            Deploys.Add(count, new("type", type.Name()), new("result", result));
    }
}
