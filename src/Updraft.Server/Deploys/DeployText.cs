using Updraft.Server.Api;

namespace Updraft.Server.Deploys;

/// <summary>Limits of the texts that clients send. Lengths are Unicode code points, as databases and the contract count them.</summary>
internal static class DeployText
{
    public const int MaxDescription = 500, MaxField = 1024, MaxUrl = 2048;

    /// <summary>The description as it came; null when absent.</summary>
    /// <exception cref="ApiException">400: more than 500 characters, or U+0000.</exception>
    public static string? Description(string? text) => Check("description", text, MaxDescription);

    /// <summary>A text as it came; null when absent.</summary>
    /// <exception cref="ApiException">400: too long, or it has U+0000, which not every database can store.</exception>
    public static string? Check(string field, string? text, int max)
    {
        if (text is null)
            return null;
        if (text.Contains('\0', StringComparison.Ordinal))
            throw ApiException.BadRequest($"The field '{field}' contains the character U+0000.");
        var length = text.EnumerateRunes().Count();
        return length <= max
            ? text
            : throw ApiException.BadRequest($"The field '{field}' has {length} characters; at most {max} are allowed.");
    }
}
