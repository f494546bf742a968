using Updraft.Server.Api;

namespace Updraft.Server.Uploads;

/// <summary>Errors of upload URLs.</summary>
internal static class UploadErrors
{
    public static readonly ErrorCode UrlInvalid = new("upload_url_invalid", StatusCodes.Status403Forbidden,
        "The server did not sign the upload URL, or the URL was changed.",
        "Use the upload URL of the deploy unchanged, or create a new deploy.");

    public static readonly ErrorCode UrlExpired = new("upload_url_expired", StatusCodes.Status403Forbidden,
        "The lifetime of the upload URL has ended.",
        "Create a new deploy, and upload to its URL.");

    public static readonly ErrorCode UploadClosed = new("upload_closed", StatusCodes.Status403Forbidden,
        "The deploy of the upload URL is finalized, so it accepts no further uploads.",
        "Create a new deploy, and upload to its URL.");

    public static readonly ErrorCode CreatorInvalid = new("upload_creator_invalid", StatusCodes.Status403Forbidden,
        "The token that created the deploy was deleted or has expired, or its user was deactivated. The upload URL ended with it.",
        "Create a new deploy with a valid token, and upload to its URL.");

    public static readonly ErrorCode UploadTooLarge = new("upload_too_large", StatusCodes.Status413PayloadTooLarge,
        "The upload, one of its blocks, or the sum of its staged blocks exceeds a limit of the section 'Uploads'.",
        "Upload fewer bytes, or raise the setting that the message names.");

    public static readonly ErrorCode TooManyBlocks = new("upload_too_many_blocks", StatusCodes.Status413PayloadTooLarge,
        "A block list names more blocks than 'Uploads:MaxBlocks'.",
        "Upload larger blocks, or raise the setting.");

    public static readonly ErrorCode TooManyUploads = new("too_many_uploads", StatusCodes.Status503ServiceUnavailable,
        "The server already processes 'Uploads:MaxConcurrent' uploads.",
        "Send the request again after the time in the header 'Retry-After'.");

    public static readonly ErrorCode UploadTimeout = new("upload_timeout", StatusCodes.Status408RequestTimeout,
        "The upload took longer than 'Uploads:MaxMinutes', paused for longer than 'Uploads:MaxIdleSeconds', or arrived more slowly than "
            + "'Uploads:MinBytesPerSecond'.",
        "Upload over a faster connection or without a pause, or change the setting that the message names.");

    public static readonly ErrorCode IncompleteUpload = new("incomplete_upload", StatusCodes.Status400BadRequest,
        "The connection ended before the whole body arrived.",
        "Send the request again.");

    public static readonly ErrorCode ChecksumMismatch = new("upload_checksum_mismatch", StatusCodes.Status400BadRequest,
        "The body does not match its header 'Content-MD5' or 'x-ms-content-crc64', so bytes changed on the way.",
        "Send the request again.");

    public static readonly ErrorCode UploadExists = new("upload_exists", StatusCodes.Status409Conflict,
        "The request has 'If-None-Match: *', and the upload URL already has an upload.",
        "Finalize the version that the message names, or upload again without the header.");

    public static readonly ErrorCode ConditionNotMet = new("upload_condition_not_met", StatusCodes.Status412PreconditionFailed,
        "A conditional header of the request does not match the latest upload, or the request names a lease.",
        "Read the tag of the latest upload with HEAD, or send the request without the header.");

    public static readonly ErrorCode InvalidBlockList = new("invalid_block_list", StatusCodes.Status400BadRequest,
        "The block list is malformed, or names a block that is not staged.",
        "Stage the blocks that the message names, then send a valid list.");
}
