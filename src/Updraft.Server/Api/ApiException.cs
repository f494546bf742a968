namespace Updraft.Server.Api;

/// <summary>
/// The only exception whose text reaches a caller. <see cref="Exception.Message"/> is public: it names the mistake (with the value),
/// the rule, and the next step. The inner exception goes to the log only. Any other exception becomes a 500 without details.
/// </summary>
/// <param name="code">The kind of error; decides the status.</param>
/// <param name="message">The public text.</param>
/// <param name="cause">Goes to the log.</param>
internal sealed class ApiException(ErrorCode code, string message, Exception? cause = null) : Exception(message, cause)
{
    public ErrorCode Code => code;

    /// <summary>HTTP status, 400 to 599.</summary>
    public int StatusCode => code.StatusCode;

    /// <summary>
    /// Name of the setting whose limit the request exceeds, e.g. <c>Uploads:MaxBytes</c>; null when no limit is involved.
    /// </summary>
    public string? Limit { get; init; }

    /// <summary>Value of the response header <c>Retry-After</c>; null for none.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>Code for the <c>x-ms-error-code</c> header of upload responses; null elsewhere.</summary>
    public string? BlobErrorCode { get; init; }

    /// <summary>400 with <see cref="RequestErrors.InvalidRequest"/>.</summary>
    public static ApiException BadRequest(string message) => new(RequestErrors.InvalidRequest, message);

    /// <summary>404 with <see cref="RequestErrors.NotFound"/>. Also for resources that exist and that the caller cannot see.</summary>
    public static ApiException NotFound(string kind, string id) => new(RequestErrors.NotFound, $"There is no {kind} '{Shorten(id)}'.");

    /// <summary>User text for a message: control characters become <c>?</c>, and at most 100 characters remain.</summary>
    public static string Shorten(string text)
    {
        var clean = new string(text.Take(100).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c).ToArray());
        return text.Length > 100 ? clean + "…" : clean;
    }
}
