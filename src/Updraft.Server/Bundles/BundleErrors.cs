using Updraft.Server.Api;

namespace Updraft.Server.Bundles;

/// <summary>Errors of the routes that agents fetch bundles from.</summary>
internal static class BundleErrors
{
    public static readonly ErrorCode AgentTokenRequired = new("agent_token_required", StatusCodes.Status403Forbidden,
        "Only agents can fetch manifests and packs, and the token belongs to no agent.",
        "Send an agent token of the Deployment.");
}
