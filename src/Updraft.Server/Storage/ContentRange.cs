using System.Net.Http.Headers;

namespace Updraft.Server.Storage;

/// <summary>The header <c>Content-Range</c> of a response of an object store.</summary>
internal static class ContentRange
{
    /// <summary>Length of the whole blob in bytes; null if the header does not contain it.</summary>
    public static long? TotalOf(string? header) => ContentRangeHeaderValue.TryParse(header, out var range) ? range.Length : null;
}
