using System.ComponentModel;
using System.Diagnostics;
using System.Text;

namespace Updraft.Agent;

/// <summary>How a command ended.</summary>
/// <param name="ExitCode">Null when it was killed at its time limit.</param>
/// <param name="LastLines">The end of what it wrote; empty when it wrote nothing.</param>
internal sealed record ShellResult(int? ExitCode, string LastLines)
{
    public bool IsGood => ExitCode == 0;

    /// <summary>What went wrong, as the end of a sentence.</summary>
    public string Problem(TimeSpan limit) => ExitCode is { } code ? $"ended with exit code {code}" : $"took longer than {limit.TotalSeconds:0} s";

    /// <summary>The last lines, to be put behind a sentence.</summary>
    public string Quote() => LastLines.Length == 0 ? "" : " Its last output:\n" + LastLines;
}

/// <summary>
/// A command of the operator's, run by <c>/bin/sh</c> without the agent's token. At its time limit, and when it is cancelled, it is killed
/// with everything that it started; what it left to itself before (a service) stays.
/// </summary>
internal sealed class ShellCommand(string command, string folder, IReadOnlyDictionary<string, string> environment, TimeSpan limit, TimeProvider clock)
{
    private const int MaxQuotedLines = 20, MaxQuoted = 1500;

    /// <summary>How long to wait for the rest of the output once the command has ended.</summary>
    private static readonly TimeSpan LastWords = TimeSpan.FromSeconds(1);

    /// <summary>Runs it to its end.</summary>
    /// <param name="written">Called with each line that it writes, one after the other; never again after this has returned.</param>
    /// <param name="cancellationToken">Kills it.</param>
    /// <exception cref="IOException">It cannot be started.</exception>
    public async Task<ShellResult> RunAsync(Action<string> written, CancellationToken cancellationToken)
    {
        using var ends = new CancellationTokenSource(limit, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ends.Token, cancellationToken);
        using var process = Start();
        var output = new Output(written);
        var reading = Task.WhenAll(output.ReadAsync(process.StandardOutput), output.ReadAsync(process.StandardError));
        int? exit = null;
        try
        {
            await process.WaitForExitAsync(either.Token);
            exit = process.ExitCode;
        }
        catch (OperationCanceledException)
        {
            await KillAsync(process, written);
            if (cancellationToken.IsCancellationRequested)
            {
                output.Close();
                throw;
            }
        }
        // A process that the command left behind may hold the output open for ever.
        await Task.WhenAny(reading, Task.Delay(LastWords, clock, cancellationToken));
        output.Close();
        cancellationToken.ThrowIfCancellationRequested();
        return new ShellResult(exit, output.LastLines);
    }

    private async Task KillAsync(Process process, Action<string> written)
    {
        try
        {
            process.Kill(entireProcessTree: true);
        }
        catch (Exception exception) when (exception is AggregateException or Win32Exception)
        {
            written("Not everything that the command started could be killed; something of it runs under another user.");
        }
        await Task.WhenAny(process.WaitForExitAsync(CancellationToken.None), Task.Delay(LastWords, clock, CancellationToken.None));
    }

    private Process Start()
    {
        var start = new ProcessStartInfo("/bin/sh")
        {
            ArgumentList = { "-c", command },
            WorkingDirectory = folder,
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Remove("UPDRAFT_AGENT_TOKEN");
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
            throw new IOException($"The command cannot be started: {exception.Message}", exception);
        }
    }

    /// <summary>Both streams, as lines. Programs that draw progress end their lines with a carriage return.</summary>
    private sealed class Output(Action<string> written)
    {
        private const int MaxLine = 1000;
        private readonly Lock _gate = new();
        private readonly Queue<string> _last = new();
        private readonly List<StringBuilder> _begun = [];
        private bool _closed;

        /// <summary>The end of what was written.</summary>
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
                _begun.Add(line);
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
                            Take(line, character);
                    }
                }
            }
            catch (Exception exception) when (exception is ObjectDisposedException or IOException or OperationCanceledException)
            {
                // The command has ended; somebody whom it left behind held the stream open.
            }
        }

        /// <summary>Ends the lines that were begun; whatever is written from now on is nobody's.</summary>
        public void Close()
        {
            lock (_gate)
            {
                foreach (var line in _begun)
                    End(line);
                _closed = true;
            }
        }

        private void Take(StringBuilder line, char character)
        {
            if (character is '\n' or '\r')
                End(line);
            else
                line.Append(char.IsControl(character) && character != '\t' ? '?' : character);
            if (line.Length >= MaxLine)
                End(line);
        }

        private void End(StringBuilder line)
        {
            var text = line.ToString().TrimEnd();
            line.Clear();
            if (text.Length == 0)
                return;
            if (_last.Count == MaxQuotedLines)
                _last.Dequeue();
            _last.Enqueue(text);
            written(text);
        }
    }
}
