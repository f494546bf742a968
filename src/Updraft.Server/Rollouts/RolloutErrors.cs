using Updraft.Server.Api;
using Updraft.Server.Bundles;

namespace Updraft.Server.Rollouts;

/// <summary>Errors of revisions, and of the requests of agents.</summary>
internal static class RolloutErrors
{
    public static readonly ErrorCode TooManyBundles = new("too_many_bundles", StatusCodes.Status400BadRequest,
        "The Deployment has the maximum number of bundles.",
        "Delete a bundle that you no longer need, then send the request again.");

    public static readonly ErrorCode UnknownEpoch = new("unknown_epoch", StatusCodes.Status409Conflict,
        "An agent reports an epoch that is higher than the epoch of the server.",
        "Set 'Agents:Epoch' of all replicas to the epoch that the message names, or higher.");

    public static readonly ErrorCode UnknownRevision = new("unknown_revision", StatusCodes.Status409Conflict,
        "An agent reports a revision that is higher than the newest revision of the server.",
        "If you restored an older database, raise 'Agents:Epoch'. Otherwise check that the agent uses the right server.");

    public static ApiException BundleLimit() => new(TooManyBundles, $"A Deployment has at most {Bundle.MaxCount} bundles; delete one first.");
}
