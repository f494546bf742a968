using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Updraft.Agent;

/// <summary>Result of a command.</summary>
/// <param name="ExitCode">Exit code; null if the command was killed at its time limit.</param>
/// <param name="LastLines">Last lines of the output; empty without output.</param>
internal sealed record ShellResult(int? ExitCode, string LastLines)
{
    public bool IsGood => ExitCode == 0;

    /// <summary>Reason of a failure, as the end of a sentence.</summary>
    public string Problem(TimeSpan limit) => ExitCode is { } code
        ? $"ended with exit code {code}"
        : $"took longer than {limit.TotalSeconds:0} s";

    /// <summary>Last lines of the output, to append to a sentence; empty without output.</summary>
    public string Quote() => LastLines.Length == 0 ? "" : " Its last output:\n" + LastLines;
}

/// <summary>
/// The operator's command, which <c>/bin/sh</c> runs with the variables of <see cref="CommandEnvironment"/> only. At its time limit and on
/// cancellation, the agent kills it with its child processes. Services that the command detached before stay.
/// </summary>
internal sealed class ShellCommand(string command, string directory, IReadOnlyDictionary<string, string> environment,
    IReadOnlyList<string> passedVariables, TimeSpan limit, TimeProvider clock)
{
    private const int MaxQuotedLines = 20, MaxQuoted = 1500;

    /// <summary>How long to wait for the rest of the output after the command has ended.</summary>
    private static readonly TimeSpan OutputTimeout = TimeSpan.FromSeconds(1);

    /// <summary>Runs the command to its end.</summary>
    /// <param name="onLine">Receives each line of output, one after the other, and none after the method has returned.</param>
    /// <param name="cancellationToken">Kills the command.</param>
    /// <exception cref="IOException">The command cannot be started.</exception>
    public async Task<ShellResult> RunAsync(Action<string> onLine, CancellationToken cancellationToken)
    {
        using var timeout = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(timeout.Token, cancellationToken);
        using var process = Start();
        var output = new Output(onLine);
        var reading = Task.WhenAll(output.ReadAsync(process.StandardOutput), output.ReadAsync(process.StandardError));
        int? exit = null;
        try
        {
            await process.WaitForExitAsync(either.Token);
            exit = process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            await KillAsync(process, onLine);
            if (cancellationToken.IsCancellationRequested)
            {
                output.Close();
                throw;
            }
        }
        // A child process that is still running can keep the output open without end.
        await Task.WhenAny(reading, Task.Delay(OutputTimeout, clock, cancellationToken));
        output.Close();
        cancellationToken.ThrowIfCancellationRequested();
        return new ShellResult(exit, output.LastLines);
    }

    private async Task KillAsync(Process process, Action<string> onLine)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is AggregateException or Win32Exception)
        {
            onLine("Some processes of the command could not be killed, because they run as another user. End them yourself.");
        }
        await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(OutputTimeout, clock, CancellationToken.None));
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", command },
            WorkingDirectory = directory,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var inherited = start.Environment.Where(variable => variable.Value is not null)
            .Select(variable => KeyValuePair.Create(variable.Key, variable.Value!)).ToList();
        start.Environment.Clear();
        foreach (var (name, value) in CommandEnvironment.Select(inherited, passedVariables))
            start.Environment[name] = value;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        try
        {
            var process = Process.Start(start)!;
            process.StandardInput.Close();
            return process;
        }
        catch (Win32Exception exception)
        {
            throw new IOException($"/bin/sh cannot be started in '{directory}': {exception.Message}", exception);
        }
    }

    /// <summary>Both output streams, as lines. Programs that draw progress end their lines with a carriage return.</summary>
    private sealed class Output(Action<string> onLine)
    {
        private const int MaxLine = 1000;
        private readonly Lock _gate = new();
        private readonly Queue<string> _last = new();
        private readonly List<StringBuilder> _openLines = [];
        private bool _closed;

        /// <summary>End of the output: at most 20 lines and 1,500 characters.</summary>
        public string LastLines
        {
            get
            {
                lock (_gate)
                {
                    var text = string.Join('\n', _last);
                    return text[Math.Max(0, text.Length - MaxQuoted)..];
                }
            }
        }

        public async Task ReadAsync(StreamReader reader)
        {
            var (buffer, line) = (new char[4096], new StringBuilder());
            lock (_gate)
                _openLines.Add(line);
            try
            {
                int read;
                while ((read = await reader.ReadAsync(buffer)) > 0)
                {
                    lock (_gate)
                    {
                        if (_closed)
                            return;
                        foreach (var character in buffer.AsSpan(0, read))
                            Append(line, character);
                    }
                }
            }
            catch (Exception exception) when (exception is ObjectDisposedException or IOException or OperationCanceledException)
            {
                // The command has ended, but one of its child processes kept the stream open.
            }
        }

        /// <summary>Ends incomplete lines. Later output is ignored.</summary>
        public void Close()
        {
            lock (_gate)
            {
                foreach (var line in _openLines)
                    EndLine(line);
                _closed = true;
            }
        }

        private void Append(StringBuilder line, char character)
        {
            if (character is '\n' or '\r')
                EndLine(line);
            else
                line.Append(char.IsControl(character) && character != '\t' ? '?' : character);
            if (line.Length >= MaxLine)
                EndLine(line);
        }

        private void EndLine(StringBuilder line)
        {
            var text = line.ToString().TrimEnd();
            line.Clear();
            if (text.Length == 0)
                return;
            if (_last.Count == MaxQuotedLines)
                _last.Dequeue();
            _last.Enqueue(text);
            onLine(text);
        }
    }
}
