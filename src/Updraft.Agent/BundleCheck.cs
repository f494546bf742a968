using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Runs the operator's command against the staged trees of DAG bundles before Airflow sees them, once for each: that of <c>dags</c>, and
/// those below <c>bundles</c>. <c>UPDRAFT_STAGED</c> is the folder that would be mounted, <c>UPDRAFT_MOUNT</c> its place below the root.
/// The command never gets the token.
/// </summary>
internal sealed class BundleCheck(AgentRoot root, AgentOptions options, AgentLog log, TimeProvider clock)
{
    private const string Main = "dags", Others = "bundles/";
    private const int MaxLines = 20, MaxOutput = 1500;

    /// <summary>How long to wait for the rest of the output once the command has ended.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    /// <exception cref="RevisionRefusedException">The command failed or took too long; ends with its last lines of output.</exception>
    public async Task RunAsync(DesiredState desired, CancellationToken cancellationToken)
    {
        if (options.Check is null)
            return;
        foreach (var mount in desired.Mounts.Where(mount => mount.Path == Main || mount.Path.StartsWith(Others, StringComparison.Ordinal)))
            await RunAsync(options.Check, mount, desired, cancellationToken);
    }

    private async Task RunAsync(string command, DesiredMount mount, DesiredState desired, CancellationToken cancellationToken)
    {
        var started = clock.GetTimestamp();
        using var limit = new CancellationTokenSource(options.CheckTimeout, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        using var process = Start(command, Mounts.Target(root, mount), mount, desired);
        var output = new Tail(MaxOutput * 4);
        var reading = Task.WhenAll(output.ReadAsync(process.StandardOutput), output.ReadAsync(process.StandardError));
        try
        {
            await process.WaitForExitAsync(either.Token);
        }
        catch (OperationCanceledException exception)
        {
            process.Kill(entireProcessTree: true);
            if (cancellationToken.IsCancellationRequested)
                throw;
            await Task.WhenAny(reading, Task.Delay(LastWords, clock, cancellationToken));
            throw new RevisionRefusedException(
                $"The check took longer than {options.CheckTimeout.TotalSeconds:0} s.{Quote(output)}", exception);
        }
        // A process that the command left behind may hold the output open for ever.
        await Task.WhenAny(reading, Task.Delay(LastWords, clock, cancellationToken));
        if (process.ExitCode != 0)
            throw new RevisionRefusedException($"The check ended with exit code {process.ExitCode}.{Quote(output)}");
        log.Information("checked", ("revision", desired.Revision), ("mount", mount.Path), ("took", clock.GetElapsedTime(started)));
    }

    private static Process Start(string command, string staged, DesiredMount mount, DesiredState desired)
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", command },
            WorkingDirectory = staged,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("UPDRAFT_AGENT_TOKEN");
        start.Environment["UPDRAFT_STAGED"] = staged;
        start.Environment["UPDRAFT_MOUNT"] = mount.Path;
        start.Environment["UPDRAFT_REVISION"] = desired.Revision.ToString(CultureInfo.InvariantCulture);
        // Importing must not write caches into a tree that is to stay as it came.
        start.Environment["PYTHONDONTWRITEBYTECODE"] = "1";
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception exception)
        {
            throw new RevisionRefusedException($"The check cannot be started: {exception.Message}", exception);
        }
    }

    private static string Quote(Tail output)
    {
        var lines = output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var text = string.Join('\n', lines.TakeLast(MaxLines));
        return text.Length == 0 ? "" : " Its last output:\n" + text[Math.Max(0, text.Length - MaxOutput)..];
    }

    /// <summary>The last characters of what was written; the rest is forgotten.</summary>
    private sealed class Tail(int most)
    {
        private string _text = "";

        public async Task ReadAsync(StreamReader reader)
        {
            var buffer = new char[4096];
            int read;
            while ((read = await reader.ReadAsync(buffer)) > 0)
            {
                lock (this)
                    _text = string.Concat(_text.AsSpan(Math.Max(0, _text.Length + read - most)), buffer.AsSpan(0, read));
            }
        }

        public override string ToString()
        {
            lock (this)
                return _text;
        }
    }
}
