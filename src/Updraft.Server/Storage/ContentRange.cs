using System.Net.Http.Headers;

namespace Updraft.Server.Storage;

/// <summary>The header <c>Content-Range</c> of an object store's answer.</summary>
internal static class ContentRange
{
    /// <summary>Length of the whole blob; null when the header does not say it.</summary>
    public static long? TotalOf(string? header) => ContentRangeHeaderValue.TryParse(header, out var range) ? range.Length : null;
}
