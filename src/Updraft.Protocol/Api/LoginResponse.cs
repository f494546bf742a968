using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>How a client begins a login.</summary>
public sealed record AuthConfigResponse
{
    /// <summary>The id that the client has here.</summary>
    public required string ClientId { get; init; }

    /// <summary>For whom its tokens are.</summary>
    public required string Audience { get; init; }

    /// <summary>Address of the authorization server, with a slash at its end: clients append to it.</summary>
    public required string DomainUrl { get; init; }
}

/// <summary>Tokens of a login, in the form of OAuth.</summary>
public sealed record LoginTokenResponse
{
    /// <summary>What requests carry.</summary>
    [JsonPropertyName("access_token")]
    public required string AccessToken { get; init; }

    /// <summary>Works once, for the next tokens.</summary>
    [JsonPropertyName("refresh_token")]
    public required string RefreshToken { get; init; }

    /// <summary>Seconds for which the access token counts.</summary>
    [JsonPropertyName("expires_in")]
    public required long ExpiresIn { get; init; }

    /// <summary><c>Bearer</c>.</summary>
    [JsonPropertyName("token_type")]
    public string TokenType { get; init; } = "Bearer";
}

/// <summary>Why there are no tokens, in the form of OAuth.</summary>
public sealed record LoginTokenError
{
    /// <summary>The code of OAuth, e.g. <c>invalid_grant</c>.</summary>
    public required string Error { get; init; }

    /// <summary>What to do.</summary>
    [JsonPropertyName("error_description")]
    public required string ErrorDescription { get; init; }
}

/// <summary>Who a token belongs to, in the form of OpenID Connect.</summary>
public sealed record UserDescriptionResponse
{
    /// <summary>Id of the person or token.</summary>
    public required string Sub { get; init; }

    /// <summary>The person's address; one that cannot exist for tokens.</summary>
    public required string Email { get; init; }

    /// <summary>The name.</summary>
    public required string Name { get; init; }
}
