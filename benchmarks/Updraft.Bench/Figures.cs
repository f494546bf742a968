using System.Globalization;

namespace Updraft.Bench;

/// <summary>One line of the table.</summary>
/// <param name="Id">Which goal, e.g. <c>P1</c>.</param>
/// <param name="What">What is compared.</param>
/// <param name="Updraft">What was measured here.</param>
/// <param name="Peer">What was measured of the other program; empty for none.</param>
/// <param name="Value">What the goal is about: a ratio, or the value itself.</param>
/// <param name="Goal">The goal.</param>
/// <param name="IsMet">Whether it holds.</param>
internal sealed record Line(string Id, string What, string Updraft, string Peer, string Value, string Goal, bool IsMet);

/// <summary>A bound.</summary>
internal readonly record struct Goal(double Bound, bool IsLeast)
{
    public static Goal AtLeast(double bound) => new(bound, true);

    public static Goal AtMost(double bound) => new(bound, false);

    public bool Holds(double value) => IsLeast ? value >= Bound : value <= Bound;

    public string Text(Func<double, string> text) => (IsLeast ? "≥ " : "≤ ") + text(Bound);
}

/// <summary>Numbers of samples, and numbers as text.</summary>
internal static class Figures
{
    public static double Median(IEnumerable<double> samples) => Percentile(samples, 0.5);

    /// <summary>The smallest sample that so large a share of them does not exceed.</summary>
    public static double Percentile(IEnumerable<double> samples, double share)
    {
        var sorted = samples.Order().ToList();
        return sorted[Math.Clamp((int)Math.Ceiling(share * sorted.Count) - 1, 0, sorted.Count - 1)];
    }

    public static string Rate(double perSecond) => string.Create(CultureInfo.InvariantCulture, $"{perSecond:#,0}/s");

    public static string Milliseconds(double value) => value < 10
        ? string.Create(CultureInfo.InvariantCulture, $"{value:0.00} ms")
        : string.Create(CultureInfo.InvariantCulture, $"{value:#,0} ms");

    public static string Bytes(double value) => value switch
    {
        < 10_000 => string.Create(CultureInfo.InvariantCulture, $"{value:#,0} B"),
        < 1_000_000 => string.Create(CultureInfo.InvariantCulture, $"{value / 1000:0.0} KB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{value / 1_000_000:#,0.0} MB"),
    };

    public static string Factor(double value) => string.Create(CultureInfo.InvariantCulture, $"{value:0.00} ×");
}

/// <summary>Gathers the lines, and says each as soon as it is known.</summary>
internal sealed class Table(TextWriter output)
{
    private readonly List<Line> _lines = [];
    private readonly List<string> _notes = [];

    public IReadOnlyList<Line> Lines => _lines;

    /// <summary>A measurement without a goal.</summary>
    public void Note(string note)
    {
        _notes.Add(note);
        output.WriteLine("    " + note);
    }

    /// <summary>A ratio of two measurements.</summary>
    public void Ratio(string id, string what, double updraft, double peer, Func<double, string> text, Goal goal) =>
        Add(new Line(id, what, text(updraft), text(peer), Figures.Factor(updraft / peer), goal.Text(Figures.Factor), goal.Holds(updraft / peer)));

    /// <summary>A measurement by itself.</summary>
    public void Value(string id, string what, double value, Func<double, string> text, Goal goal) =>
        Add(new Line(id, what, text(value), "", text(value), goal.Text(text), goal.Holds(value)));

    public IEnumerable<string> Markdown()
    {
        yield return "| | measurement: peer | Updraft | peer | result | goal | |";
        yield return "| --- | --- | ---: | ---: | ---: | ---: | --- |";
        foreach (var line in _lines)
            yield return $"| {line.Id} | {line.What.Replace("|", "\\|", StringComparison.Ordinal)} | {line.Updraft} | {line.Peer} | {line.Value} | {line.Goal} | {(line.IsMet ? "met" : "**missed**")} |";
        if (_notes.Count > 0)
            yield return "";
        foreach (var note in _notes)
            yield return "- " + note;
    }

    private void Add(Line line)
    {
        _lines.Add(line);
        output.WriteLine($"{line.Id,-3} {line.What,-60} {line.Updraft,12} {line.Peer,12} {line.Value,12}  {line.Goal,-10} {(line.IsMet ? "met" : "MISSED")}");
    }
}
