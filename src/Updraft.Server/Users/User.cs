using Updraft.Protocol;
using Updraft.Server.Security;

namespace Updraft.Server.Users;

/// <summary>Whether a person may come in.</summary>
internal enum UserStatus
{
    Active,
    Inactive,
}

/// <summary>A person as the identity provider knows him. Made at the first sign-in.</summary>
internal sealed class User
{
    public required UserId Id { get; init; }

    public required OrganizationId OrganizationId { get; init; }

    /// <summary>The provider and its name for the person: together they never change, as an address may.</summary>
    public required string Issuer { get; init; }

    public required string ExternalId { get; init; }

    /// <summary>The address of the person.</summary>
    public required string Username { get; set; }

    public required string FullName { get; set; }

    /// <summary>Empty when the provider gives none.</summary>
    public string AvatarUrl { get; set; } = "";

    public UserStatus Status { get; set; }

    public List<Grant> Grants { get; init; } = [];

    public required DateTimeOffset CreatedAt { get; init; }

    public required DateTimeOffset UpdatedAt { get; set; }

    /// <summary>Who acts when the person does.</summary>
    public Subject ToSubject() => new(SubjectKind.User, Id.Value, Username, OrganizationId, Grants) { FullName = FullName };
}
