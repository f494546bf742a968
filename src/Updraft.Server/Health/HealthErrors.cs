using Updraft.Server.Api;

namespace Updraft.Server.Health;

/// <summary>Errors of the health endpoints.</summary>
internal static class HealthErrors
{
    public static readonly ErrorCode NotReady = new("not_ready", StatusCodes.Status503ServiceUnavailable,
        "The database, the blob store or the data directory does not accept writes, so the server cannot process deploys.",
        "Repair the part that the message names. The server log has the reason.");
}
