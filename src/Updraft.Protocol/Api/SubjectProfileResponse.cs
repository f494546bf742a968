using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>User, token or agent that made a change.</summary>
public sealed record SubjectProfileResponse
{
    /// <summary>Id of the user or token.</summary>
    public required string Id { get; init; }

    /// <summary><c>USER</c> for a user, <c>SERVICEKEY</c> for an API token or agent token.</summary>
    [AllowedValues("USER", "SERVICEKEY")]
    public string? SubjectType { get; init; }

    /// <summary>Name of the token, for <c>SERVICEKEY</c>.</summary>
    public string? ApiTokenName { get; init; }

    /// <summary>Email address of the user, for <c>USER</c>.</summary>
    public string? Username { get; init; }

    /// <summary>Full name of the user, for <c>USER</c>.</summary>
    public string? FullName { get; init; }

    /// <summary>URL of the user's picture. Updraft does not send it here.</summary>
    public string? AvatarUrl { get; init; }
}
