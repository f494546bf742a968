using System.Diagnostics;
using System.Globalization;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>State of a file in the file system.</summary>
/// <param name="Inode">Number of the inode; a rewritten file has another number.</param>
/// <param name="Changed">The mtime.</param>
internal sealed record DiskFile(long Inode, DateTimeOffset Changed)
{
    /// <summary>Every file below a directory, by relative path. The list follows symbolic links.</summary>
    public static async Task<IReadOnlyDictionary<string, DiskFile>> ListAsync(string directory)
    {
        using var find = Process.Start(new ProcessStartInfo("find", ["-L", directory, "-type", "f", "-printf", @"%i\t%T@\t%P\n"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        var lines = await find.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await find.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, find.ExitCode);
        return lines.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => line.Split('\t')).ToDictionary(
            fields => fields[2],
            fields => new DiskFile(long.Parse(fields[0], CultureInfo.InvariantCulture), DateTimeOffset.UnixEpoch
                .AddTicks((long)(decimal.Parse(fields[1], CultureInfo.InvariantCulture) * TimeSpan.TicksPerSecond))));
    }
}
