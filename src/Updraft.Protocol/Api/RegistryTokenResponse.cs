using System.Text.Json.Serialization;

namespace Updraft.Protocol.Api;

/// <summary>What an image registry's client gets for its credential: a token for the registry.</summary>
public sealed record RegistryTokenResponse
{
    /// <summary>What the client sends to the registry.</summary>
    public required string Token { get; init; }

    /// <summary>The same, under the name that OAuth gives it; clients read one or the other.</summary>
    [JsonPropertyName("access_token")]
    public required string AccessToken { get; init; }

    /// <summary>Seconds for which it counts.</summary>
    [JsonPropertyName("expires_in")]
    public required int ExpiresIn { get; init; }

    /// <summary>From when on it counts.</summary>
    [JsonPropertyName("issued_at")]
    public required DateTimeOffset IssuedAt { get; init; }
}

/// <summary>One entry of a registry token's claim <c>access</c>.</summary>
public sealed record RegistryAccess
{
    /// <summary><c>repository</c>; there is nothing else to give.</summary>
    public string Type { get; init; } = "repository";

    /// <summary>The repository: <c>ORGANIZATION/DEPLOYMENT</c>.</summary>
    public required string Name { get; init; }

    /// <summary><c>pull</c>, <c>push</c> or both.</summary>
    public required IReadOnlyList<string> Actions { get; init; }
}

/// <summary>Why there is no token, in the form of a registry.</summary>
public sealed record RegistryErrors
{
    /// <summary>What was wrong.</summary>
    public required IReadOnlyList<RegistryError> Errors { get; init; }
}

/// <summary>One thing that was wrong.</summary>
public sealed record RegistryError
{
    /// <summary>The registry's word for it, e.g. <c>UNAUTHORIZED</c>.</summary>
    public required string Code { get; init; }

    /// <summary>What to do.</summary>
    public required string Message { get; init; }
}
