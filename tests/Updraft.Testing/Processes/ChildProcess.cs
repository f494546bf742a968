using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Updraft.Testing;

/// <summary>
/// A program that a test, a rig or a benchmark starts. Disposal ends the program by its process id; so does the end of this process.
/// </summary>
internal sealed class ChildProcess : IDisposable
{
    private const int TicksPerSecond = 100;
    private static readonly HashSet<ChildProcess> Running = [];
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    static ChildProcess() => AppDomain.CurrentDomain.ProcessExit += (_, _) =>
    {
        lock (Running)
        {
            foreach (var child in Running)
                child._process.Kill(entireProcessTree: true);
        }
    };

    public ChildProcess(string program, IEnumerable<string> arguments, IReadOnlyDictionary<string, string>? environment = null)
        : this([program, .. arguments], environment)
    {
    }

    /// <param name="command">The program and its arguments.</param>
    /// <param name="environment">Additional variables. The program does not inherit variables that begin with UPDRAFT_.</param>
    /// <param name="directory">The working directory; null for that of this process.</param>
    public ChildProcess(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null, string? directory = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = directory ?? "",
        };
        // The variables of the tests must not configure the programs.
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("UPDRAFT_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        // A killed .NET process would leave its diagnostic sockets in the temporary directory.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>(StringComparer.Ordinal))
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        lock (Running)
        {
            _process.Start();
            Running.Add(this);
        }
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public int ExitCode => _process.ExitCode;

    /// <summary>Standard output and standard error so far.</summary>
    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The last 25 lines of <see cref="Output"/>.</summary>
    public string Tail => string.Join('\n', Output.Split('\n').TakeLast(25));

    /// <summary>The largest resident memory since the start or since <see cref="ForgetPeakMemory"/>, in bytes.</summary>
    public long PeakMemoryBytes => Memory("VmHWM:");

    /// <summary>The resident memory, in bytes.</summary>
    public long MemoryBytes => Memory("VmRSS:");

    /// <summary>Paths of the mapped files, libraries among them.</summary>
    public string MappedFiles => File.ReadAllText($"/proc/{_process.Id}/maps");

    /// <summary>Processor time so far, user and system.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            // The name, in parentheses, may contain spaces; fields 14 and 15 are user and system time.
            var stat = File.ReadAllText($"/proc/{_process.Id}/stat");
            var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
            return TimeSpan.FromSeconds((double)(Number(fields[11]) + Number(fields[12])) / TicksPerSecond);
        }
    }

    /// <summary>Starts strace for a running process; returns once strace is attached.</summary>
    public static async Task<ChildProcess> TraceAsync(int process, string expression, string output)
    {
        var trace = new ChildProcess(["strace", "-f", "-p", $"{process}", "-o", output, .. expression.Split(' ')]);
        await Task.WhenAny(trace._attached.Task, trace.ExitAsync(), Task.Delay(TimeSpan.FromSeconds(20)));
        return trace;
    }

    /// <summary>Runs a program to its end and returns its output.</summary>
    /// <exception cref="InvalidOperationException">The exit code is not 0.</exception>
    public static async Task<string> RunAsync(IReadOnlyList<string> command, string? directory = null)
    {
        using var child = new ChildProcess(command, directory: directory);
        await child._process.WaitForExitAsync();
        return child._process.ExitCode == 0
            ? child.Output
            : throw new InvalidOperationException($"{string.Join(' ', command)} exited with {child._process.ExitCode}\n{child.Output}");
    }

    /// <summary>Runs a shell command in a directory; returns its duration.</summary>
    public static async Task<TimeSpan> TimeAsync(string line, string directory)
    {
        var clock = Stopwatch.StartNew();
        await RunAsync(["sh", "-ec", line], directory);
        return clock.Elapsed;
    }

    /// <summary>Resets the kernel's record of the peak memory.</summary>
    public void ForgetPeakMemory() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    public Task ExitAsync() => _process.WaitForExitAsync();

    public async Task<bool> ExitsWithinAsync(TimeSpan limit)
    {
        await Task.WhenAny(_process.WaitForExitAsync(), Task.Delay(limit));
        return _process.HasExited;
    }

    public void Signal(int signal)
    {
        if (!_process.HasExited)
            Native.Signal(_process.Id, signal);
    }

    /// <summary>Sends SIGTERM, and waits until the program exits.</summary>
    public Task StopAsync()
    {
        Signal(Native.Terminate);
        return _process.WaitForExitAsync();
    }

    /// <summary>Sends SIGKILL, and waits until the program exits.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
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
        // A process that has just ended has no memory.
        var line = File.ReadLines($"/proc/{_process.Id}/status").SingleOrDefault(line => line.StartsWith(name, StringComparison.Ordinal));
        return line is null ? 0 : Number(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]) * 1024;
    }

    private static long Number(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private void Append(string? line)
    {
        if (line is null)
            return;
        lock (_output)
            _output.AppendLine(line);
        if (line.Contains("attached", StringComparison.Ordinal))
            _attached.TrySetResult();
    }
}
