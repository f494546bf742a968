using System.Diagnostics.Metrics;
using Updraft.Protocol;
using Updraft.Server.Telemetry;

namespace Updraft.Server.Bundles;

/// <summary>Metrics of unpacked archives, stored packs and fetched packs.</summary>
internal static class BundleMetrics
{
    private static readonly Counter<long> Unpacked = Instrumentation.Meter.CreateCounter<long>("updraft.archive.unpacked", "By",
        "Sizes of all files in archives that became bundle versions.");

    private static readonly Counter<long> Packed = Instrumentation.Meter.CreateCounter<long>("updraft.pack.stored", "By",
        "Compressed bytes of new contents that were stored in packs.");

    private static readonly Counter<long> Served = Instrumentation.Meter.CreateCounter<long>("updraft.pack.served", "By",
        "Bytes of packs that agents fetched from the server.");

    private static readonly Counter<long> Redirected = Instrumentation.Meter.CreateCounter<long>("updraft.pack.redirects", "{request}",
        "Requests for packs that were redirected to the object store.");

    /// <summary>Counts an archive that became a version.</summary>
    public static void CountIngest(BundleVersion version, IReadOnlyList<PackEntry> pack)
    {
        if (!Unpacked.Enabled)
            return;
        Unpacked.Add(version.Bytes);
        Packed.Add(pack.Sum(static entry => entry.Length));
    }

    public static void CountServed(long bytes) => Served.Add(bytes);

    public static void CountRedirect() => Redirected.Add(1);

    public static void Begin(IServiceProvider services, Meter meter)
    {
        Unpacked.Add(0);
        Packed.Add(0);
        Served.Add(0);
        Redirected.Add(0);
    }
}
