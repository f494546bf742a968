using Updraft.Server.Api;

namespace Updraft.Server.OpenApi;

/// <summary>Errors of resources that Updraft does not have.</summary>
internal static class FeatureErrors
{
    public static readonly ErrorCode FeatureUnsupported = new("feature_unsupported", StatusCodes.Status404NotFound,
        "Updraft does not have this resource of the contract.",
        "Use the alternative in the message.");
}
