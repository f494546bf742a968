using Updraft.Server.Api;

namespace Updraft.Server.Access;

/// <summary>Errors of authorization.</summary>
internal static class AccessErrors
{
    public static readonly ErrorCode PermissionNotDeclared = new("permission_not_declared", StatusCodes.Status403Forbidden,
        "The endpoint declares no permission, so it rejects all requests.",
        "Report this as a bug with the request ID.");

    public static readonly ErrorCode AgentTokenNotForApi = new("agent_token_not_for_api", StatusCodes.Status403Forbidden,
        "The request has an agent token, but only agents can use such a token.",
        "Send an API token.");

    public static readonly ErrorCode NoRole = new("no_role", StatusCodes.Status403Forbidden,
        "The user is signed in, but has no role.",
        "Ask an owner of the Organization for a role.");
}
