using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Updraft.Agent.Tests.Support;

/// <summary>A file as the file system has it.</summary>
internal sealed record FileState(string Text, long Inode, double ModifiedAt, string Mode);

/// <summary>A root on disk and the agent that keeps it, run in this process.</summary>
internal sealed class TestAgent : IAsyncDisposable
{
    private readonly LogLines _lines = new();
    private CancellationTokenSource? _stop;
    private Task<int>? _running;

    public TestAgent() => Directory.CreateDirectory(Root);

    public string Root { get; } = Path.Join(Path.GetTempPath(), "updraft-agent-" + Path.GetRandomFileName());

    public TimeProvider Clock { get; set; } = TimeProvider.System;

    public Func<AgentOptions, AgentOptions> Configure { get; set; } = options => options;

    public string Own(params string[] parts) => Path.Join([Root, ".updraft", .. parts]);

    public AgentOptions Options(Uri server) => Configure(new AgentOptions
    {
        Server = server,
        Token = StandInServer.Token,
        Root = Root,
        Host = "host-1",
        Component = "scheduler",
    });

    public TestAgent Start(Uri server)
    {
        _stop = new CancellationTokenSource();
        var (options, token) = (Options(server), _stop.Token);
        _running = Task.Run(() => Program.RunAsync(options, new AgentLog(_lines, Clock), Clock, token));
        return this;
    }

    public bool IsRunning => _running is not null;

    public Task StopIfRunningAsync() => IsRunning ? StopAsync() : Task.CompletedTask;

    /// <summary>Waits until the agent ends by itself.</summary>
    public Task<int> EndAsync() => _running!.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);

    public async Task<int> StopAsync()
    {
        await _stop!.CancelAsync();
        var code = await EndAsync();
        _stop.Dispose();
        (_stop, _running) = (null, null);
        await UntilUnlockedAsync();
        return code;
    }

    /// <summary>
    /// A program that another test starts at the same time inherits the agent's lock for the moment between fork and exec. The next agent would
    /// find the root locked.
    /// </summary>
    private async Task UntilUnlockedAsync()
    {
        var path = Own("lock");
        while (new FileInfo(path) is { Exists: true, LinkTarget: null })
        {
            using (var handle = Posix.OpenNoFollow(path))
            {
                if (Posix.TryLock(handle, path))
                    return;
            }
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>Waits for a line of the log.</summary>
    /// <param name="message">The event.</param>
    /// <param name="occurrences">Which line of those, counted from 1.</param>
    /// <param name="reason">Text in its field <c>reason</c>; any when null. On a busy machine, short timeouts add lines with other reasons.</param>
    public Task<JsonElement> WaitForLogAsync(string message, int occurrences = 1, string? reason = null) =>
        _lines.WaitForAsync(message, occurrences, reason);

    public string Log => _lines.ToString();

    /// <summary>Every file below a mount, as Airflow would find it.</summary>
    public SortedDictionary<string, FileState> Mounted(string mount) => Snapshot(Path.Join(Root, mount));

    /// <summary>The paths below a mount, in one line.</summary>
    public string Paths(string mount) => string.Join(' ', Mounted(mount).Keys);

    /// <summary>What stands at the top of the root, in one line.</summary>
    public string Top() => string.Join(' ', Directory.GetFileSystemEntries(Root).Select(Path.GetFileName).Order(StringComparer.Ordinal));

    /// <summary>Texts of the files below a mount.</summary>
    public Dictionary<string, string> Texts(string mount) =>
        Mounted(mount).ToDictionary(file => file.Key, file => file.Value.Text, StringComparer.Ordinal);

    public static SortedDictionary<string, FileState> Snapshot(string folder)
    {
        var files = new SortedDictionary<string, FileState>(StringComparer.Ordinal);
        using var find = Process.Start(new ProcessStartInfo("find", ["-H", folder, "-type", "f", "-printf", "%P\t%i\t%T@\t%m\n"])
        {
            RedirectStandardOutput = true,
            UseShellExecute = false,
        })!;
        while (find.StandardOutput.ReadLine() is { } line)
        {
            var parts = line.Split('\t');
            files[parts[0]] = new FileState(File.ReadAllText(Path.Join(folder, parts[0])),
                long.Parse(parts[1], CultureInfo.InvariantCulture), double.Parse(parts[2], CultureInfo.InvariantCulture), parts[3]);
        }
        find.WaitForExit();
        return files;
    }

    public async ValueTask DisposeAsync()
    {
        if (_running is not null)
            await StopAsync();
        _lines.Dispose();
        Directory.Delete(Root, recursive: true);
    }

    private sealed class LogLines : MemoryStream
    {
        private readonly Lock _gate = new();
        private readonly List<JsonElement> _seen = [];
        private TaskCompletionSource _more = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public override void Write(ReadOnlySpan<byte> buffer)
        {
            lock (_gate)
            {
                base.Write(buffer);
                _seen.Add(JsonElement.Parse(buffer));
                _more.SetResult();
                _more = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            }
        }

        public async Task<JsonElement> WaitForAsync(string message, int occurrences, string? reason)
        {
            while (true)
            {
                Task more;
                lock (_gate)
                {
                    var found = _seen.Where(line => line.GetProperty("message").ValueEquals(message) && (reason is null
                        || line.GetProperty("reason").GetString()!.Contains(reason, StringComparison.Ordinal))).Skip(occurrences - 1).ToList();
                    if (found.Count > 0)
                        return found[0];
                    more = _more.Task;
                }
                await more.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
            }
        }

        public override string ToString()
        {
            lock (_gate)
                return Encoding.UTF8.GetString(ToArray());
        }
    }
}
