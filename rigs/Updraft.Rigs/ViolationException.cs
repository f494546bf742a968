namespace Updraft.Rigs;

/// <summary>A promise was broken.</summary>
/// <param name="rule">Which: I1 to I9, or the name of a check.</param>
/// <param name="text">What was seen.</param>
internal sealed class ViolationException(string rule, string text) : Exception($"{rule}: {text}")
{
    public string Rule => rule;

    public static void Require(bool holds, string rule, string text)
    {
        if (!holds)
            throw new ViolationException(rule, text);
    }
}
