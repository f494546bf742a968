using System.Diagnostics;
using System.Globalization;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>What the file system says of a file.</summary>
/// <param name="Inode">The file's number; a file that was written anew has another one.</param>
/// <param name="Changed">Its mtime.</param>
internal sealed record DiskFile(long Inode, DateTimeOffset Changed)
{
    /// <summary>Every file below a folder, by relative path; links on the way are followed.</summary>
    public static async Task<IReadOnlyDictionary<string, DiskFile>> ListAsync(string folder)
    {
        using var find = Process.Start(new ProcessStartInfo("find", ["-L", folder, "-type", "f", "-printf", @"%i\t%T@\t%P\n"])
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
