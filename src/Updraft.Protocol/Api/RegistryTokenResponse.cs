using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>A token for the image registry, in the form of the registry token protocol.</summary>
public sealed record RegistryTokenResponse
{
    /// <summary>Bearer token for requests to the registry.</summary>
    public required string Token { get; init; }

    /// <summary>Equal to <c>token</c>, under its OAuth name. A client reads one of both.</summary>
    [JsonPropertyName("access_token")]
    public required string AccessToken { get; init; }

    /// <summary>Lifetime in seconds: always 300.</summary>
    [JsonPropertyName("expires_in")]
    public required int ExpiresIn { get; init; }

    /// <summary>Time from which the token is valid, in UTC.</summary>
    [JsonPropertyName("issued_at")]
    public required DateTimeOffset IssuedAt { get; init; }
}

/// <summary>One entry of the claim <c>access</c> in a registry token.</summary>
public sealed record RegistryAccess
{
    /// <summary>Always <c>repository</c>.</summary>
    public string Type { get; init; } = "repository";

    /// <summary>Repository: <c>ORGANIZATION_ID/DEPLOYMENT_ID</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>pull</c>, <c>push</c> or both.</summary>
    public required IReadOnlyList<string> Actions { get; init; }
}

/// <summary>Errors in the form of an image registry.</summary>
public sealed record RegistryErrors
{
    /// <summary>Errors of the request, at least one.</summary>
    public required IReadOnlyList<RegistryError> Errors { get; init; }
}

/// <summary>An error in the form of an image registry.</summary>
public sealed record RegistryError
{
    /// <summary>Error code of the registry protocol, such as <c>UNAUTHORIZED</c>.</summary>
    public required string Code { get; init; }

    /// <summary>Problem and next step, for users.</summary>
    public required string Message { get; init; }
}
