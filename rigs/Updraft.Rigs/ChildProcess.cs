using System.Diagnostics;
using System.Text;

namespace Updraft.Rigs;

/// <summary>A program that the rig started, ended by its own id when disposed.</summary>
internal sealed class ChildProcess : IDisposable
{
    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly TaskCompletionSource _attached = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ChildProcess(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("UPDRAFT_", StringComparison.Ordinal)).ToList())
            start.Environment.Remove(name);
        // A killed .NET process would leave its diagnostic sockets in the temporary folder.
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Append(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(line.Data);
        _process.Start();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    public int Id => _process.Id;

    public int ExitCode => _process.ExitCode;

    public bool HasExited => _process.HasExited;

    public string Output
    {
        get
        {
            lock (_output)
                return _output.ToString();
        }
    }

    /// <summary>The last lines of what it wrote.</summary>
    public string Tail => string.Join('\n', Output.Split('\n').TakeLast(25));

    /// <summary>strace beside a running process; returns once it is attached.</summary>
    public static async Task<ChildProcess> TraceAsync(int process, string expression, string output)
    {
        var trace = new ChildProcess(["strace", "-f", "-p", $"{process}", "-o", output, .. expression.Split(' ')]);
        await Task.WhenAny(trace._attached.Task, trace.ExitAsync(), Task.Delay(TimeSpan.FromSeconds(20)));
        return trace;
    }

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

    /// <summary>SIGKILL, and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
            _process.Kill();
        _process.WaitForExit();
    }

    public void Dispose()
    {
        Kill();
        _process.Dispose();
    }

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
