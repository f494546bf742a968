using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Rollouts;

/// <summary>What an agent reports of its steps: checked, and cut to what is kept. Its text is a program's output and may hold anything.</summary>
internal static class ReportedSteps
{
    // A name may hold the place of a bundle.
    private const int MaxName = BundlePath.MaxBytes + 100;

    private const int MaxSteps = 50, MaxLines = 200, MaxLine = 1000;

    /// <exception cref="ApiException">400: too many steps, a step without a proper name, or the same twice.</exception>
    public static void Check(IReadOnlyList<StepReport> steps)
    {
        if (steps.Count > MaxSteps)
            throw ApiException.BadRequest($"'steps' has {steps.Count} entries; at most {MaxSteps} are accepted.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var step in steps)
        {
            if (step is not { Name.Length: > 0 and <= MaxName, Log: not null } || step.Name.Any(char.IsControl)
                || step.Log.Any(line => line is not { Text: not null }))
                throw ApiException.BadRequest($"'steps' has an entry without a log, or without a name of 1 to {MaxName} characters.");
            if (!Enum.IsDefined(step.Status))
                throw ApiException.BadRequest($"The status of the step '{ApiException.Shorten(step.Name)}' must be RUNNING, COMPLETED or FAILED.");
            if (!names.Add(step.Name))
                throw ApiException.BadRequest($"'steps' names '{ApiException.Shorten(step.Name)}' twice.");
        }
    }

    /// <summary>The newest lines of each, with nothing in them that a terminal would obey.</summary>
    public static IReadOnlyList<StepReport> Readable(IReadOnlyList<StepReport> steps) => [.. steps.Select(step => step with
    {
        Log = [.. step.Log.TakeLast(MaxLines).Select(line => line with { Text = Readable(line.Text, MaxLine, "\t") })],
    })];

    /// <summary>A text without control characters, cut to a length.</summary>
    /// <param name="text">The text.</param>
    /// <param name="most">How many UTF-16 units stay.</param>
    /// <param name="allowed">The control characters that stay.</param>
    public static string Readable(string text, int most, string allowed)
    {
        // A cut through a surrogate pair would leave half a character.
        var length = text.Length <= most ? text.Length : char.IsHighSurrogate(text[most - 1]) ? most - 1 : most;
        return string.Create(length, (text, allowed), static (readable, source) =>
        {
            for (var i = 0; i < readable.Length; i++)
                readable[i] = char.IsControl(source.text[i]) && !source.allowed.Contains(source.text[i]) ? '?' : source.text[i];
        });
    }
}
