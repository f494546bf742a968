using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Updraft.Bench;

/// <summary>A program that the bench started, ended by its own id when disposed.</summary>
internal sealed class Child : IDisposable
{
    private const int TicksPerSecond = 100;
    private static readonly HashSet<Child> Running = [];
    private readonly Process _process;
    private readonly StringBuilder _output = new();

    /// <summary>A bench that is told to end ends what it started.</summary>
    static Child() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        lock (Running)
        {
            foreach (var child in Running)
                child._process.Kill(entireProcessTree: true);
        }
    };

    public Child(IReadOnlyList<string> command, string? folder = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder ?? "",
        };
        // What the caller's own environment says must not configure the programs.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("UPDRAFT_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        // A killed .NET process would leave its diagnostic sockets in the temporary folder.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
        lock (Running)
            Running.Add(this);
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The most memory that it held, in bytes.</summary>
    public long PeakBytes => Memory("VmHWM:");

    /// <summary>The memory that it holds, in bytes.</summary>
    public long ResidentBytes => Memory("VmRSS:");

    /// <summary>Processor time that it used so far, user and system.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            // The name, in parentheses, may hold spaces; what is wanted are the fields 14 and 15.
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromSeconds((double)(Number(fields[11]) + Number(fields[12])) / TicksPerSecond);
        }
    }

    /// <summary>Runs a program to its end; what it wrote, if it ended well.</summary>
    public static async Task<string> RunAsync(IReadOnlyList<string> command, string? folder = null)
    {
        using var child = new Child(command, folder);
        await child._process.WaitForExitAsync();
        return child._process.ExitCode == 0
            ? child.Output
            : throw new BenchException($"{string.Join(' ', command)} ended with {child._process.ExitCode}\n{child.Output}");
    }

    /// <summary>Runs a line of shell in a folder and says how long it took.</summary>
    public static async Task<TimeSpan> TimeAsync(string line, string folder)
    {
        var clock = Stopwatch.StartNew();
        await RunAsync(["sh", "-ec", line], folder);
        return clock.Elapsed;
    }

    /// <summary>SIGKILL, and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
    }

    /// <summary>SIGTERM, and waits until it is gone.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
            await RunAsync(["kill", $"{_process.Id}"]);
        await _process.WaitForExitAsync();
    }

    public void Dispose()
    {
        lock (Running)
        {
            if (!Running.Remove(this))
                return;
        }
        Kill();
        _process.Dispose();
    }

    private long Memory(string name)
    {
        var line = File.ReadLines($"/proc/{_process.Id}/status").Single(line => line.StartsWith(name, StringComparison.Ordinal));
        return Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private void Append(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.AppendLine(line);
    }
}

/// <summary>Something did not go as a benchmark needs it.</summary>
internal sealed class BenchException(string message) : Exception(message);
