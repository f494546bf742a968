using Updraft.Protocol;
using Updraft.Server.Api;

namespace Updraft.Server.Rollouts;

/// <summary>
/// Checks the steps in reports, and cuts them to the stored size. Their text is the output of programs and may contain any character.
/// </summary>
internal static class ReportedSteps
{
    // A name may contain the path of a bundle.
    private const int MaxName = BundlePath.MaxBytes + 100;

    private const int MaxSteps = 50, MaxLines = 200, MaxLine = 1000;

    /// <exception cref="ApiException">400: too many steps, an invalid name, or a name twice.</exception>
    public static void Check(IReadOnlyList<StepReport> steps)
    {
        if (steps.Count > MaxSteps)
            throw ApiException.BadRequest($"'steps' has {steps.Count} entries; at most {MaxSteps} are accepted.");
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var step in steps)
        {
            if (step is not { Name.Length: > 0 and <= MaxName, Log: not null } || step.Name.Any(char.IsControl)
                || step.Log.Any(line => line is not { Text: not null }))
                throw ApiException.BadRequest($"Each entry of 'steps' must have a log, and a name of 1 to {MaxName} characters.");
            if (!Enum.IsDefined(step.Status))
            {
                throw ApiException.BadRequest(
                    $"The status of the step '{ApiException.Shorten(step.Name)}' must be RUNNING, COMPLETED or FAILED.");
            }
            if (!names.Add(step.Name))
                throw ApiException.BadRequest($"'steps' contains the name '{ApiException.Shorten(step.Name)}' twice.");
        }
    }

    /// <summary>The newest lines of each step, without control characters, which a terminal would execute.</summary>
    public static IReadOnlyList<StepReport> Readable(IReadOnlyList<StepReport> steps) => [.. steps.Select(step => step with
    {
        Log = [.. step.Log.TakeLast(MaxLines).Select(line => line with { Text = Readable(line.Text, MaxLine, "\t") })],
    })];

    /// <summary>Replaces control characters by <c>?</c>, and cuts the text to a length.</summary>
    /// <param name="text">The text.</param>
    /// <param name="maxLength">The maximum number of UTF-16 units.</param>
    /// <param name="allowed">Control characters to keep.</param>
    public static string Readable(string text, int maxLength, string allowed)
    {
        // A cut inside a surrogate pair would leave half a character.
        var length = text.Length <= maxLength ? text.Length : char.IsHighSurrogate(text[maxLength - 1]) ? maxLength - 1 : maxLength;
        return string.Create(length, (text, allowed), static (readable, source) =>
        {
            for (var i = 0; i < readable.Length; i++)
                readable[i] = char.IsControl(source.text[i]) && !source.allowed.Contains(source.text[i]) ? '?' : source.text[i];
        });
    }
}
