using Updraft.Server.Api;

namespace Updraft.Server.SignIn;

/// <summary>Errors of sign-in. The OAuth endpoints also return the code in the field <c>error</c> of their body.</summary>
internal static class SignInErrors
{
    public static readonly ErrorCode InvalidClient = new("invalid_client", StatusCodes.Status400BadRequest,
        "The client of a login is unknown.",
        "Send the 'clientId' that auth-config returns.");

    public static readonly ErrorCode InvalidGrant = new("invalid_grant", StatusCodes.Status400BadRequest,
        "The authorization code or refresh token is invalid, expired or revoked, or the code was used before.",
        "Log in again.");

    public static readonly ErrorCode UnsupportedGrantType = new("unsupported_grant_type", StatusCodes.Status400BadRequest,
        "The grant type is neither authorization_code nor refresh_token.",
        "Use one of these grant types.");

    public static readonly ErrorCode ClaimMissing = new("claim_missing", StatusCodes.Status403Forbidden,
        "The identity provider does not send a claim that the sign-in needs.",
        "Configure the identity provider to send the claims 'sub' and 'email'.");

    public static readonly ErrorCode AccountInactive = new("account_inactive", StatusCodes.Status403Forbidden,
        "The account of the user is inactive.",
        "Ask an owner of the Organization to activate the account.");
}
