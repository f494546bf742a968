namespace Updraft.Server.Api;

/// <summary>
/// The only exception whose text reaches a caller. <see cref="Exception.Message"/> is public: it says what was wrong
/// and what to do. Causes go to the log as the inner exception. Anything else that is thrown becomes a bare 500.
/// </summary>
internal sealed class ApiException(int statusCode, string message, Exception? cause = null) : Exception(message, cause)
{
    /// <summary>HTTP status, 400 to 599.</summary>
    public int StatusCode => statusCode;

    /// <summary>Code for the <c>x-ms-error-code</c> header of upload answers; null elsewhere.</summary>
    public string? BlobErrorCode { get; init; }

    /// <summary>400: the request itself is wrong.</summary>
    public static ApiException BadRequest(string message) => new(StatusCodes.Status400BadRequest, message);

    /// <summary>404: no such thing, or none that the caller may know of.</summary>
    public static ApiException NotFound(string what, string id) => new(StatusCodes.Status404NotFound, $"There is no {what} '{Shorten(id)}'.");

    /// <summary>User text for a message: no control characters, at most 100 characters.</summary>
    public static string Shorten(string text)
    {
        var clean = new string(text.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c).ToArray());
        return text.Length > 100 ? clean + "…" : clean;
    }
}
