namespace Updraft.Rigs;

/// <summary>Updraft broke a guarantee.</summary>
/// <param name="rule">Name of the guarantee, I1 to I9, or of a check.</param>
/// <param name="text">The observation that contradicts the guarantee.</param>
internal sealed class ViolationException(string rule, string text) : Exception($"{rule}: {text}")
{
    public string Rule => rule;

    public static void Require(bool holds, string rule, string text)
    {
        if (!holds)
            throw new ViolationException(rule, text);
    }
}
