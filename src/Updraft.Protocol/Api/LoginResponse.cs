using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>Facts that a client needs to start a login.</summary>
public sealed record AuthConfigResponse
{
    /// <summary>OAuth client id of CLIs: always <c>updraft-cli</c>.</summary>
    public required string ClientId { get; init; }

    /// <summary>Audience of the access tokens: always <c>updraft</c>.</summary>
    public required string Audience { get; init; }

    /// <summary>URL of the authorization server. It ends with a slash, because clients append paths to it.</summary>
    public required string DomainUrl { get; init; }
}

/// <summary>Tokens of a login, in the form of OAuth 2.0.</summary>
public sealed record LoginTokenResponse
{
    /// <summary>Bearer token for requests, valid for one hour.</summary>
    [JsonPropertyName("access_token")]
    public required string AccessToken { get; init; }

    /// <summary>Token for one refresh, valid for 30 days. A second use ends the login.</summary>
    [JsonPropertyName("refresh_token")]
    public required string RefreshToken { get; init; }

    /// <summary>Lifetime of the access token in seconds.</summary>
    [JsonPropertyName("expires_in")]
    public required long ExpiresIn { get; init; }

    /// <summary>Always <c>Bearer</c>.</summary>
    [JsonPropertyName("token_type")]
    public string TokenType { get; init; } = "Bearer";
}

/// <summary>Error of a login, in the form of OAuth 2.0.</summary>
public sealed record LoginTokenError
{
    /// <summary>OAuth error code, such as <c>invalid_grant</c>.</summary>
    public required string Error { get; init; }

    /// <summary>Problem and next step, for users.</summary>
    [JsonPropertyName("error_description")]
    public required string ErrorDescription { get; init; }
}

/// <summary>Owner of a token, in the form of OpenID Connect.</summary>
public sealed record UserDescriptionResponse
{
    /// <summary>Id of the user or API token.</summary>
    public required string Sub { get; init; }

    /// <summary>Email address of the user. For an API token an address that cannot receive mail.</summary>
    public required string Email { get; init; }

    /// <summary>Name of the user or API token.</summary>
    public required string Name { get; init; }
}
