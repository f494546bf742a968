using Updraft.Server.Api;

namespace Updraft.Server.Images;

/// <summary>Errors of images and of the image registry.</summary>
internal static class ImageErrors
{
    public static readonly ErrorCode NotPushed = new("image_not_pushed", StatusCodes.Status400BadRequest,
        "The registry does not have the image of the deploy.",
        "Push the image, then finalize the deploy again.");

    public static readonly ErrorCode Incomplete = new("image_incomplete", StatusCodes.Status400BadRequest,
        "The registry has the image, but a part of it is missing.",
        "Push the image again, then finalize the deploy again.");

    public static readonly ErrorCode Unusable = new("image_unusable", StatusCodes.Status400BadRequest,
        "The image has a format or a content that Updraft cannot deploy.",
        "Build and push the image again as the message describes.");

    public static readonly ErrorCode ImageDeleted = new("image_deleted", StatusCodes.Status400BadRequest,
        "The image retention deleted the image of the earlier deploy.",
        "Push the image again with a new deploy.");

    public static readonly ErrorCode WrongService = new("registry_service_mismatch", StatusCodes.Status400BadRequest,
        "The registry requests tokens for another service name than Images:Service.",
        "Use the same service name in the registry's token settings and in Images:Service.");

    public static readonly ErrorCode NotProxied = new("registry_not_proxied", StatusCodes.Status404NotFound,
        "The server does not forward requests to the image registry.",
        "Use the URL of the registry, or set Images:RegistryUrl.");

    public static readonly ErrorCode UnknownRegistryOperation = new("registry_operation_unknown", StatusCodes.Status404NotFound,
        "The image registry does not have the operation, or the name of the repository is invalid.",
        "Use the repository in 'imageRepository' of the Deployment.");

    public static readonly ErrorCode DeletionUnsupported = new("registry_deletion_unsupported", StatusCodes.Status405MethodNotAllowed,
        "Clients cannot delete images, layers or uploads through the server.",
        "Set Images:KeepFor, after which the server deletes images that no deploy needs.");

    public static readonly ErrorCode DeletionInProgress = new("image_deletion_in_progress", StatusCodes.Status503ServiceUnavailable,
        "The image retention is deleting the image at this moment.",
        "Push the image and finalize again in a few minutes.");

    public static readonly ErrorCode RegistryUnreachable = new("registry_unreachable", StatusCodes.Status503ServiceUnavailable,
        "The image registry does not respond.",
        "Send the request again. If it fails again, check the registry and Images:RegistryUrl.");

    public static readonly ErrorCode UnexpectedResponse = new("registry_response_unexpected", StatusCodes.Status503ServiceUnavailable,
        "The image registry sent a response that the server cannot use.",
        "Check the registry as the message describes.");
}
