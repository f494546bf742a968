using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Steps of the agent for one revision, for its reports. It is safe for concurrent use.
/// </summary>
/// <param name="clock">Clock for the times of steps and lines.</param>
/// <param name="changed">Called after each change, so that the agent can report a running step. It must not throw or block.</param>
internal sealed class StepLog(TimeProvider clock, Action? changed = null)
{
    private const int MaxSteps = 50, MaxLines = 200, MaxLine = 1000;

    /// <summary>Largest size of all steps together, in bytes of JSON. The server rejects a report of more than 1 MiB.</summary>
    private const int MaxBytes = 700_000;

    private readonly Lock _lock = new();
    private readonly List<Step> _steps = [];

    /// <summary>Starts a step. If it was started before, its earlier log is removed.</summary>
    /// <param name="name">Name of the step; see <see cref="StepReport.Name"/>.</param>
    public void Begin(string name) => Change(() =>
    {
        _steps.RemoveAll(step => step.Name == name);
        if (_steps.Count < MaxSteps)
            _steps.Add(new(name, clock.GetUtcNow()));
    });

    /// <summary>Adds lines to a step. Lines of a step that was not started are ignored.</summary>
    public void Write(string name, string text) => Change(() =>
    {
        if (Find(name) is not { } step)
            return;
        foreach (var line in text.Split('\n'))
        {
            if (step.Log.Count == MaxLines)
                step.Log.RemoveAt(0);
            step.Log.Add(new(clock.GetUtcNow(), Readable(line)));
        }
    });

    /// <summary>Ends a step. A step that was not started is ignored.</summary>
    public void End(string name, StepStatus status) => Change(() =>
    {
        if (Find(name) is { } step)
            (step.Status, step.EndedAt) = (status, clock.GetUtcNow());
    });

    /// <summary>Returns all steps so far, with the newest lines that fit into a report.</summary>
    public IReadOnlyList<StepReport> Report()
    {
        lock (_lock)
        {
            return [.. _steps.Select(step => new StepReport
            {
                Name = step.Name,
                Status = step.Status,
                StartedAt = step.StartedAt,
                EndedAt = step.EndedAt,
                Log = Newest(step.Log, MaxBytes / _steps.Count),
            })];
        }
    }

    /// <summary>Newest lines that fit into a number of bytes.</summary>
    private static IReadOnlyList<StepLine> Newest(List<StepLine> lines, int bytes)
    {
        var start = lines.Count;
        // 80 bytes for the time and the JSON around a line. Characters outside of this set take up to 6 bytes as an escape sequence.
        while (start > 0 && (bytes -= 80 + lines[start - 1].Text.Sum(JsonLength)) >= 0)
            start--;
        return [.. lines.Skip(start)];

        static int JsonLength(char c) => char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '/' ? 1 : 6;
    }

    /// <summary>Replaces control characters and lone surrogates, which servers and terminals can misinterpret.</summary>
    private static string Readable(string line) => string.Create(Math.Min(line.Length, MaxLine), line, static (text, source) =>
    {
        for (var i = 0; i < text.Length; i++)
            text[i] = char.IsControl(source[i]) && source[i] != '\t' ? '?' : source[i];
        if (text.Length > 0 && char.IsHighSurrogate(text[^1]))
            text[^1] = '?';
    });

    private Step? Find(string name) => _steps.Find(step => step.Name == name);

    private void Change(Action change)
    {
        lock (_lock)
            change();
        changed?.Invoke();
    }

    private sealed class Step(string name, DateTimeOffset startedAt)
    {
        public string Name => name;

        public DateTimeOffset StartedAt => startedAt;

        public StepStatus Status { get; set; } = StepStatus.Running;

        public DateTimeOffset? EndedAt { get; set; }

        public List<StepLine> Log { get; } = [];
    }
}
