using System.Diagnostics;

namespace Updraft.Rigs;

/// <summary>Compares the reader of uploads with GNU tar, on generated archives in the dialects of many tar programs.</summary>
internal sealed class DialectRig(RigOptions options, TextWriter output)
{
    /// <summary>0 if all trees are equal, and all rejections have a true reason; 1 otherwise.</summary>
    public async Task<int> RunAsync()
    {
        const int Step = 10_000;
        var (count, jobs) = (options.Number("archives", 10_000), options.Number("jobs", Environment.ProcessorCount));
        // The archives are small and many, so a directory in memory is faster than a disk.
        var work = Directory.CreateDirectory(Path.Join(Directory.Exists("/dev/shm") ? "/dev/shm" : Path.GetTempPath(),
            $"updraft-dialects-{Environment.ProcessId}")).FullName;
        try
        {
            var (accepted, rejected, faults) = (0, 0, 0);
            var started = Stopwatch.StartNew();
            for (var done = 0; done < count; done += Step)
            {
                var result = await new DialectComparison(work).RunAsync(options.Seed + done, Math.Min(Step, count - done), jobs, default);
                (accepted, rejected, faults) = (accepted + result.Accepted, rejected + result.Rejected, faults + result.Faults.Count);
                foreach (var fault in result.Faults.Take(20))
                    await output.WriteLineAsync($"VIOLATION {fault}");
                await output.WriteLineAsync($"{accepted + rejected} archives: {accepted} accepted, {rejected} rejected with a true reason, "
                    + $"{faults} faults, {(accepted + rejected) / started.Elapsed.TotalSeconds:0} per second");
            }
            return faults == 0 ? 0 : 1;
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }
}
