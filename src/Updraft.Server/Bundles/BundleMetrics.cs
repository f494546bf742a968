using System.Diagnostics.Metrics;
using Updraft.Protocol;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Bundles;

/// <summary>What becomes of archives, and what agents fetch of it.</summary>
internal static class BundleMetrics
{
    private static readonly Counter<long> Unpacked = Instrumentation.Meter.CreateCounter<long>("updraft.archive.unpacked", "By",
        "Bytes of the files in archives that became versions.");

    private static readonly Counter<long> Packed = Instrumentation.Meter.CreateCounter<long>("updraft.pack.stored", "By",
        "Bytes of the contents among them that were new, as they stand in packs.");

    private static readonly Counter<long> Served = Instrumentation.Meter.CreateCounter<long>("updraft.pack.served", "By",
        "Bytes of packs that agents fetched through this server.");

    private static readonly Counter<long> Redirected = Instrumentation.Meter.CreateCounter<long>("updraft.pack.redirects", "{request}",
        "Requests for packs that were sent on to the object store.");

    /// <summary>An archive became a version.</summary>
    public static void Ingest(BundleVersion version, IReadOnlyList<PackEntry> pack)
    {
        if (!Unpacked.Enabled)
            return;
        Unpacked.Add(version.Bytes);
        Packed.Add(pack.Sum(static entry => entry.Length));
    }

    public static void Serve(long bytes) => Served.Add(bytes);

    public static void Redirect() => Redirected.Add(1);

    public static void Begin(IServiceProvider services, Meter meter)
    {
        Unpacked.Add(0);
        Packed.Add(0);
        Served.Add(0);
        Redirected.Add(0);
    }
}
