namespace Updraft.Server.Api;

/// <summary>Errors that any route can return.</summary>
internal static class RequestErrors
{
    public static readonly ErrorCode InvalidRequest = new("invalid_request", StatusCodes.Status400BadRequest,
        "A field, parameter or header has a value that the operation does not accept.",
        "Correct the value that the message names, then send the request again.");

    public static readonly ErrorCode Unauthenticated = new("unauthenticated", StatusCodes.Status401Unauthorized,
        "The request carries no token, or the token is invalid, expired or deleted.",
        "Send 'Authorization: Bearer TOKEN' with a valid token.");

    public static readonly ErrorCode PermissionDenied = new("permission_denied", StatusCodes.Status403Forbidden,
        "The token is valid, but its roles do not include the permission that the operation needs.",
        "Use a token with a wider role, or ask an owner to grant the role.");

    public static readonly ErrorCode AgentTokenRequired = new("agent_token_required", StatusCodes.Status403Forbidden,
        "Only agents can use the endpoint, and the token is not an agent token.",
        "Send an agent token of the Deployment.");

    public static readonly ErrorCode NotFound = new("not_found", StatusCodes.Status404NotFound,
        "The resource does not exist, or the token cannot see it.",
        "Check the ID and the Organization in the URL, and the scope of the token.");

    public static readonly ErrorCode MethodNotAllowed = new("method_not_allowed", StatusCodes.Status405MethodNotAllowed,
        "The URL exists, but it does not support the HTTP method.",
        "Use one of the methods in the response header 'Allow'.");

    public static readonly ErrorCode RequestTimeout = new("request_timeout", StatusCodes.Status408RequestTimeout,
        "The request body arrived too slowly.",
        "Send the request again over a faster connection.");

    public static readonly ErrorCode Conflict = new("conflict", StatusCodes.Status409Conflict,
        "The state of the resource does not allow the operation now.",
        "Read the resource, then decide whether to send the request again.");

    public static readonly ErrorCode BodyTooLarge = new("body_too_large", StatusCodes.Status413PayloadTooLarge,
        "The request body exceeds the limit of the operation.",
        "Send a smaller body, or raise the setting that the message names.");

    public static readonly ErrorCode UnsupportedMediaType = new("unsupported_media_type", StatusCodes.Status415UnsupportedMediaType,
        "The operation does not accept the content type or the content encoding of the body.",
        "Send JSON with 'Content-Type: application/json' and without 'Content-Encoding'.");

    public static readonly ErrorCode RangeNotSatisfiable = new("range_not_satisfiable", StatusCodes.Status416RangeNotSatisfiable,
        "The requested byte range starts after the end of the content.",
        "Request a range inside the content.");

    public static readonly ErrorCode TooManyRequests = new("too_many_requests", StatusCodes.Status429TooManyRequests,
        "The caller sends more requests than a limit allows.",
        "Wait for the time in the header 'Retry-After', then send the request again.");

    public static readonly ErrorCode Rejected = new("rejected", StatusCodes.Status400BadRequest,
        "The web server rejected the request before any operation received it.",
        "Read the message; it names the cause.");

    public static readonly ErrorCode Internal = new("internal_error", StatusCodes.Status500InternalServerError,
        "The server failed while it processed the request. The cause is in its log under the request ID.",
        "Send the request again. If it fails again, give the request ID to the operator.");

    public static readonly ErrorCode Unavailable = new("unavailable", StatusCodes.Status503ServiceUnavailable,
        "The server, its database or its storage cannot process the request now.",
        "Send the request again after the time in 'Retry-After', or after a few seconds.");

    public static readonly ErrorCode DatabaseUnreachable = new("database_unreachable", StatusCodes.Status503ServiceUnavailable,
        "The server lost the connection to its database. It may have done the change of the request, or not.",
        "Check whether the change was made. Then send the request again.");

    public static readonly ErrorCode StorageFull = new("storage_full", StatusCodes.Status507InsufficientStorage,
        "The storage of the server is full, or the upload would leave less than its reserve.",
        "Ask the operator to free space. The request changed nothing.");

    /// <summary>The general code of a status; <see cref="Rejected"/> for a status without one.</summary>
    public static ErrorCode OfStatus(int statusCode) => statusCode switch
    {
        StatusCodes.Status400BadRequest => InvalidRequest,
        StatusCodes.Status401Unauthorized => Unauthenticated,
        StatusCodes.Status403Forbidden => PermissionDenied,
        StatusCodes.Status404NotFound => NotFound,
        StatusCodes.Status405MethodNotAllowed => MethodNotAllowed,
        StatusCodes.Status408RequestTimeout => RequestTimeout,
        StatusCodes.Status409Conflict => Conflict,
        StatusCodes.Status413PayloadTooLarge => BodyTooLarge,
        StatusCodes.Status415UnsupportedMediaType => UnsupportedMediaType,
        StatusCodes.Status416RangeNotSatisfiable => RangeNotSatisfiable,
        StatusCodes.Status429TooManyRequests => TooManyRequests,
        StatusCodes.Status503ServiceUnavailable => Unavailable,
        StatusCodes.Status507InsufficientStorage => StorageFull,
        >= 500 => Internal,
        _ => Rejected,
    };
}
