using System.Buffers;

namespace Updraft.Server.Images;

/// <summary>
/// The part of the Distribution API that clients of one repository need. The catalog of all repositories is not part of it. Each
/// segment of a path has only characters that need no escaping, so the registry reads the same path that this class checks.
/// </summary>
internal static class RegistryPaths
{
    private const int MaxLength = 256;
    private const string Lower = "abcdefghijklmnopqrstuvwxyz0123456789";

    private static readonly SearchValues<char> NameCharacters = SearchValues.Create(Lower);
    private static readonly SearchValues<char> WordCharacters = SearchValues.Create(Lower + "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.:+=-");

    /// <summary>Whether the API has the operation.</summary>
    /// <param name="method">The HTTP method.</param>
    /// <param name="path">The path, decoded and without dot segments.</param>
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

    /// <summary>The other methods of a path, as the value of the header <c>Allow</c>.</summary>
    public static string AllowedInsteadOfDelete(string path) =>
        string.Join(", ", ((string[])["GET", "HEAD", "POST", "PUT", "PATCH"]).Where(method => Has(method, path)));

    private static bool IsName(string text) => text.Length is > 0 and <= MaxLength && !text.AsSpan().ContainsAnyExcept(NameCharacters);

    /// <summary>Whether a segment is a tag, a digest or the ID of an upload. None of them starts with a dot.</summary>
    private static bool IsWord(string text) =>
        text.Length is > 0 and <= MaxLength && text[0] != '.' && !text.AsSpan().ContainsAnyExcept(WordCharacters);
}
