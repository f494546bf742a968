using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Who did something.</summary>
public sealed record SubjectProfileResponse
{
    /// <summary>Id of the user or token.</summary>
    public required string Id { get; init; }

    /// <summary><c>USER</c> or <c>SERVICEKEY</c>.</summary>
    [AllowedValues("USER", "SERVICEKEY")]
    public string? SubjectType { get; init; }

    /// <summary>Name of the token, for <c>SERVICEKEY</c>.</summary>
    public string? ApiTokenName { get; init; }

    /// <summary>Name by which the user signs in, for <c>USER</c>.</summary>
    public string? Username { get; init; }

    /// <summary>The user's own name, for <c>USER</c>.</summary>
    public string? FullName { get; init; }

    /// <summary>Picture of the user, for <c>USER</c>.</summary>
    public string? AvatarUrl { get; init; }
}
