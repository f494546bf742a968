using System.Globalization;

namespace Updraft.Bench;

/// <summary>One row of the table.</summary>
/// <param name="Id">Id of the goal, e.g. <c>P1</c>.</param>
/// <param name="What">The measurement and its peer.</param>
/// <param name="Updraft">Measured value of Updraft.</param>
/// <param name="Peer">Measured value of the other program; empty for none.</param>
/// <param name="Value">Value that the goal bounds: the ratio, or Updraft's value.</param>
/// <param name="Goal">Text of the goal.</param>
/// <param name="IsMet">Whether the value meets the goal.</param>
internal sealed record Line(string Id, string What, string Updraft, string Peer, string Value, string Goal, bool IsMet);

/// <summary>A lower or an upper bound.</summary>
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

    /// <summary>The smallest sample that at least this share of all samples does not exceed.</summary>
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

/// <summary>Collects the rows, and prints each row as soon as it is known.</summary>
internal sealed class Table(TextWriter output)
{
    private readonly List<Line> _lines = [];
    private readonly List<string> _notes = [];

    public IReadOnlyList<Line> Lines => _lines;

    /// <summary>Adds a measurement without a goal.</summary>
    public void Note(string note)
    {
        _notes.Add(note);
        output.WriteLine("    " + note);
    }

    /// <summary>Adds the ratio of two measurements.</summary>
    public void Ratio(string id, string what, double updraft, double peer, Func<double, string> text, Goal goal) =>
        Add(new Line(
            id, what, text(updraft), text(peer), Figures.Factor(updraft / peer), goal.Text(Figures.Factor), goal.Holds(updraft / peer)));

    /// <summary>Adds a measurement without a peer.</summary>
    public void Value(string id, string what, double value, Func<double, string> text, Goal goal) =>
        Add(new Line(id, what, text(value), "", text(value), goal.Text(text), goal.Holds(value)));

    public IEnumerable<string> Markdown()
    {
        yield return "| | measurement: peer | Updraft | peer | result | goal | |";
        yield return "| --- | --- | ---: | ---: | ---: | ---: | --- |";
        foreach (var line in _lines)
        {
            var what = line.What.Replace("|", "\\|", StringComparison.Ordinal);
            yield return $"| {line.Id} | {what} | {line.Updraft} | {line.Peer} | {line.Value} | {line.Goal} | "
                + (line.IsMet ? "met |" : "**missed** |");
        }
        if (_notes.Count > 0)
            yield return "";
        foreach (var note in _notes)
            yield return "- " + note;
    }

    private void Add(Line line)
    {
        _lines.Add(line);
        output.WriteLine($"{line.Id,-3} {line.What,-60} {line.Updraft,12} {line.Peer,12} {line.Value,12}  {line.Goal,-10} "
            + (line.IsMet ? "met" : "MISSED"));
    }
}
