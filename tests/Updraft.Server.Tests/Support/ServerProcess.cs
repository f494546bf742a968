using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace Updraft.Server.Tests.Support;

/// <summary>The server as a process of its own, on a free port: for tests that observe or restrict a whole process.</summary>
internal sealed class ServerProcess : IAsyncDisposable
{
    private readonly Process _process;
    private readonly string _directory;
    private readonly StringBuilder _errors = new();

    private ServerProcess(Process process, string directory) => (_process, _directory) = (process, directory);

    /// <summary>Carries the owner token.</summary>
    public HttpClient Client { get; } = new() { Timeout = TimeSpan.FromMinutes(10) };

    public string Data => Path.Join(_directory, "data");

    /// <summary>ID of the server, also if another program started it.</summary>
    public int Id { get; private set; }

    /// <summary>Everything that the process wrote so far.</summary>
    public string Output
    {
        get
        {
            lock (_errors)
                return _errors.ToString();
        }
    }

    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    /// <param name="wrap">The command line for the server's own one, e.g. one of strace; null for the server alone.</param>
    /// <param name="data">Path of the data directory as the server sees it; null for the same path.</param>
    /// <param name="settings">Settings such as <c>--Reads:MaxConcurrent=2</c>.</param>
    public static async Task<ServerProcess> StartAsync(Func<string, string[], string[]>? wrap = null, string? data = null,
        params string[] settings)
    {
        var directory = Directory.CreateTempSubdirectory("updraft-process-").FullName;
        Directory.CreateDirectory(Path.Join(directory, "data"));
        string[] command = [Path.Join(AppContext.BaseDirectory, "Updraft.Server"), $"--Data={data ?? Path.Join(directory, "data")}",
            "--Listen=http://127.0.0.1:0", .. settings];
        command = wrap is null ? command : wrap(directory, command);
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        var server = new ServerProcess(Process.Start(start)!, directory);
        try
        {
            await server.WaitAsync();
            return server;
        }
        catch
        {
            await server.DisposeAsync();
            throw;
        }
    }

    /// <summary>Asks the server to end, and waits until it did.</summary>
    public async Task StopAsync()
    {
        if (!_process.HasExited)
        {
            using (Process.Start("kill", ["-TERM", $"{Id}"]))
            {
            }
            await _process.WaitForExitAsync(Cancelled);
        }
    }

    public async ValueTask DisposeAsync()
    {
        Client.Dispose();
        if (!_process.HasExited)
        {
            _process.Kill(entireProcessTree: true);
            await _process.WaitForExitAsync(CancellationToken.None);
        }
        _process.Dispose();
        Directory.Delete(_directory, recursive: true);
    }

    private async Task WaitAsync()
    {
        var ready = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Read(object sender, DataReceivedEventArgs line)
        {
            lock (_errors)
                _errors.AppendLine(line.Data);
            if (line.Data?.IndexOf("is ready on ", StringComparison.Ordinal) is { } at and >= 0)
                ready.TrySetResult(line.Data[(at + "is ready on ".Length)..].Trim());
        }

        _process.ErrorDataReceived += Read;
        _process.OutputDataReceived += Read;
        _process.BeginErrorReadLine();
        _process.BeginOutputReadLine();
        await Task.WhenAny(ready.Task, _process.WaitForExitAsync(Cancelled));
        Assert.True(ready.Task.IsCompleted, Output);
        Client.BaseAddress = new Uri(await ready.Task);
        var token = await File.ReadAllTextAsync(Path.Join(Data, "owner-token"), Cancelled);
        Client.DefaultRequestHeaders.Authorization = new("Bearer", token.Trim());
        Id = Directory.EnumerateDirectories("/proc").Select(path => int.TryParse(Path.GetFileName(path), CultureInfo.InvariantCulture, out var id) ? id : 0)
            .First(id => id > 0 && IsServer(id));
    }

    private bool IsServer(int id)
    {
        try
        {
            var command = File.ReadAllText($"/proc/{id}/cmdline").Split('\0');
            return command[0].EndsWith("/Updraft.Server", StringComparison.Ordinal) && (id == _process.Id
                || command.Contains($"--Data={Data}", StringComparer.Ordinal)
                || File.ReadAllText($"/proc/{id}/status").Contains($"PPid:\t{_process.Id}\n", StringComparison.Ordinal));
        }
        catch (IOException)
        {
            return false;
        }
    }
}
