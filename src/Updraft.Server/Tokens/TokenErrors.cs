using Updraft.Server.Api;

namespace Updraft.Server.Tokens;

/// <summary>Errors of tokens and of roles.</summary>
internal static class TokenErrors
{
    public static readonly ErrorCode LastOwner = new("last_owner", StatusCodes.Status400BadRequest,
        "The change would leave the Organization without an owner.",
        "Add another owner first: an owner token, or a user with the role ORGANIZATION_OWNER.");

    public static readonly ErrorCode PrivilegeEscalation = new("privilege_escalation", StatusCodes.Status403Forbidden,
        "The role has permissions, or a scope, that the caller does not have.",
        "Grant a smaller role, or ask an owner of the scope.");

    public static readonly ErrorCode ForeignScope = new("token_scope_exceeded", StatusCodes.Status403Forbidden,
        "The token has a role in a scope where the caller may not manage tokens.",
        "Use a token that may manage tokens in all scopes of the other token.");

    public static readonly ErrorCode OutlivesCaller = new("token_outlives_caller", StatusCodes.Status403Forbidden,
        "The token would expire later than the token of the caller.",
        "Choose a shorter expiry, or use a token that expires later.");
}
