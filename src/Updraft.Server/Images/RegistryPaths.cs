using System.Buffers;

namespace Updraft.Server.Images;

/// <summary>
/// The Distribution API as far as clients of one repository need it; the catalogue of all repositories is not in it. Every part of a path
/// is of characters that stand for themselves: what is compared here is what the registry reads.
/// </summary>
internal static class RegistryPaths
{
    private const int MaxLength = 256;
    private const string Lower = "abcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(Lower);
    private static readonly SearchValues<char> WordCharacters = SearchValues.Create(Lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.:+=-");

    /// <summary>Whether the API has this.</summary>
    /// <param name="method">Of the request.</param>
    /// <param name="path">Of the request, decoded and without dot segments.</param>
    public static bool Has(string method, string path) => path.Split('/') switch
    {
        ["", "v2", ""] => method is "GET" or "HEAD",
        ["", "v2", var organization, var deployment, .. var rest] when IsName(organization) && IsName(deployment) => rest switch
        {
            ["manifests", var reference] when IsWord(reference) => method is "GET" or "HEAD" or "PUT" or "DELETE",
            ["blobs", "uploads", ""] => method is "POST",
            ["blobs", "uploads", var upload] when IsWord(upload) => method is "GET" or "HEAD" or "PATCH" or "PUT" or "DELETE",
            ["blobs", var digest] when IsWord(digest) => method is "GET" or "HEAD" or "DELETE",
            ["referrers", var digest] when IsWord(digest) => method is "GET" or "HEAD",
            ["tags", "list"] => method is "GET" or "HEAD",
            _ => false,
        },
        _ => false,
    };

    private static bool IsName(string text) => text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyExcept(NameCharacters);

    /// <summary>A tag, a digest or the id of an upload; never one that begins with a dot.</summary>
    private static bool IsWord(string text) => text.Length is > 0 and <= MaxLength && text[0] != '.' && !text.AsSpan().ContainsAnyExcept(WordCharacters);
}
