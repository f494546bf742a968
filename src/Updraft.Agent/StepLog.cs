using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// What the agent does for one revision, step by step, as it will be reported. Writers may be on any thread.
/// </summary>
/// <param name="clock">Tells the time.</param>
/// <param name="changed">Called after each change, so that whoever reports can do so while a step goes on; must not throw or wait.</param>
internal sealed class StepLog(TimeProvider clock, Action? changed = null)
{
    private const int MaxSteps = 50, MaxLines = 200, MaxLine = 1000;

    /// <summary>All steps together, in bytes of JSON: a server takes no larger report than 1 MiB.</summary>
    private const int MaxBytes = 700_000;

    private readonly Lock _lock = new();
    private readonly List<Step> _steps = [];

    /// <summary>Begins a step, or begins it again; its earlier log is forgotten then.</summary>
    /// <param name="name">As in <see cref="StepReport.Name"/>.</param>
    public void Begin(string name) => Change(() =>
    {
        _steps.RemoveAll(step => step.Name == name);
        if (_steps.Count < MaxSteps)
            _steps.Add(new(name, clock.GetUtcNow()));
    });

    /// <summary>Adds lines to a step that goes on; one that was never begun is left out.</summary>
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

    /// <summary>Ends a step.</summary>
    public void End(string name, StepStatus status) => Change(() =>
    {
        if (Find(name) is { } step)
            (step.Status, step.EndedAt) = (status, clock.GetUtcNow());
    });

    /// <summary>Everything so far.</summary>
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

    /// <summary>The lines that fit, counted from the last.</summary>
    private static IReadOnlyList<StepLine> Newest(List<StepLine> lines, int bytes)
    {
        var first = lines.Count;
        // The time and what JSON puts around it; a character that is none of the plain ones is escaped.
        while (first > 0 && (bytes -= 80 + lines[first - 1].Text.Sum(c => char.IsAsciiLetterOrDigit(c) || c is ' ' or '.' or '/' ? 1 : 6)) >= 0)
            first--;
        return [.. lines.Skip(first)];
    }

    /// <summary>Control characters, and halves of characters, are what a server or a terminal may choke on.</summary>
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
