using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Users;

/// <summary>Whether a user may sign in.</summary>
internal enum UserStatus
{
    Active,
    Inactive,
}

/// <summary>A user of the identity provider. The first sign-in creates the row.</summary>
internal sealed class User
{
    public required UserId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    /// <summary>
    /// URL of the provider. With <see cref="ExternalId"/>, it identifies the user; unlike an email address, the pair never changes.
    /// </summary>
    public required string Issuer { get; init; }

    /// <summary>The provider's ID of the user, from the claim <c>sub</c>.</summary>
    public required string ExternalId { get; init; }

    /// <summary>Email address.</summary>
    public required string Username { get; set; }

    public required string FullName { get; set; }

    /// <summary>Empty if the provider sends no picture.</summary>
    public string AvatarUrl { get; set; } = "";

    public UserStatus Status { get; set; }

    public List<Grant> Grants { get; init; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>The user as the caller of a request.</summary>
    public Subject ToSubject() => new(SubjectKind.User, Id.Value, Username, OrganizationId, Grants) { FullName = FullName };
}
