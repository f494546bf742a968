using System.Globalization;

namespace Updraft.Bench;

/// <summary>Writes the table into its page, between two marks; what people wrote around it stays.</summary>
internal static class Report
{
    private const string Begin = "<!-- written by ./bench: begin -->", End = "<!-- written by ./bench: end -->";

    public static async Task WriteAsync(string path, Table table, TimeSpan took, TimeProvider clock)
    {
        var page = await File.ReadAllTextAsync(path);
        var (begin, end) = (page.IndexOf(Begin, StringComparison.Ordinal), page.IndexOf(End, StringComparison.Ordinal));
        if (begin < 0 || end < begin)
            throw new BenchException($"{path} has no place for the table: the lines '{Begin}' and '{End}'.");
        var machine = await MachineAsync();
        string[] lines =
        [
            Begin,
            string.Create(CultureInfo.InvariantCulture,
                $"Measured on {clock.GetUtcNow():yyyy-MM-dd}, in {took.TotalMinutes:0} minutes, on: {machine}."),
            "",
            .. table.Markdown(),
            "",
        ];
        await File.WriteAllTextAsync(path, page[..begin] + string.Join('\n', lines) + page[end..]);
    }

    private static async Task<string> MachineAsync()
    {
        var cpu = Field("/proc/cpuinfo", "model name");
        var memory = long.Parse(Field("/proc/meminfo", "MemTotal").Split(' ')[0], CultureInfo.InvariantCulture) / 1024 / 1024;
        var kernel = (await ChildProcess.RunAsync(["uname", "-sr"])).Trim();
        return $"{Environment.ProcessorCount} cores of {cpu}, {memory} GiB of memory, {kernel[..kernel.IndexOf('-', StringComparison.Ordinal)]}, "
            + $"{new DriveInfo(Path.GetTempPath()).DriveFormat}, .NET {Environment.Version}";
    }

    private static string Field(string file, string name)
    {
        var line = File.ReadLines(file).First(line => line.StartsWith(name, StringComparison.Ordinal));
        return line[(line.IndexOf(':', StringComparison.Ordinal) + 1)..].Trim();
    }
}
