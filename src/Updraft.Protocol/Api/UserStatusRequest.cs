using System.ComponentModel.DataAnnotations;

namespace Updraft.Protocol.Api;

/// <summary>Body of UpdateUserStatus.</summary>
public sealed record UpdateUserStatusRequest
{
    /// <summary>
    /// <c>INACTIVE</c> ends all sessions and logins of the user, who can then not sign in. <c>ACTIVE</c> allows the user to sign in again.
    /// </summary>
    [Required, AllowedValues("ACTIVE", "INACTIVE")]
    public string? Status { get; init; }
}

/// <summary>A session of the web UI, or a login of a command-line client.</summary>
public sealed record UserSessionResponse
{
    /// <summary><c>WEB</c> for the web UI, <c>CLI</c> for a command-line client.</summary>
    [AllowedValues("WEB", "CLI")]
    public required string Kind { get; init; }

    /// <summary>Time of the sign-in, in UTC.</summary>
    public required DateTimeOffset CreatedAt { get; init; }

    /// <summary>Time at which the session ends without a further use, in UTC.</summary>
    public required DateTimeOffset ExpiresAt { get; init; }

    /// <summary>IP address of the client at the sign-in; absent for <c>CLI</c>.</summary>
    public string? ClientAddress { get; init; }

    /// <summary>User agent of the client at the sign-in; absent for <c>CLI</c>.</summary>
    public string? UserAgent { get; init; }
}

/// <summary>The valid sessions of a user, newest first.</summary>
public sealed record UserSessionsResponse
{
    /// <summary>Sessions of the web UI and of command-line logins that have not ended. Empty if the user is signed out.</summary>
    public required IReadOnlyList<UserSessionResponse> Sessions { get; init; }
}
