using System.ComponentModel.DataAnnotations;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>How people sign in; section <c>SignIn</c>. Without an authority only tokens come in.</summary>
internal sealed class SignInOptions : IValidatableObject
{
    /// <summary>Address of the OpenID Connect provider; its description is found below it.</summary>
    public string? Authority { get; set; }

    /// <summary>The id under which the provider knows this server.</summary>
    public string? ClientId { get; set; }

    /// <summary>The secret that belongs to it; none for a public client.</summary>
    public string? ClientSecret { get; set; }

    /// <summary>What is asked for, separated by blanks.</summary>
    [Required]
    public string Scopes { get; set; } = "openid profile email";

    /// <summary>Address of the person who owns the Organization from the first sign-in on, while no other person does.</summary>
    public string? FirstOwner { get; set; }

    /// <summary>What everybody else gets at the first sign-in; <c>NONE</c> for no role.</summary>
    [RegularExpression("^(NONE|ORGANIZATION_MEMBER|ORGANIZATION_BILLING_ADMIN)$",
        ErrorMessage = "SignIn:DefaultRole must be ORGANIZATION_MEMBER, ORGANIZATION_BILLING_ADMIN or NONE.")]
    public string DefaultRole { get; set; } = "ORGANIZATION_MEMBER";

    /// <summary>Roles that follow from claims.</summary>
    public List<RoleByClaim> Roles { get; } = [];

    /// <summary>Whether people can sign in at all.</summary>
    public bool IsConfigured => !string.IsNullOrEmpty(Authority);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsConfigured)
            yield break;
        if (!Uri.TryCreate(Authority, UriKind.Absolute, out var authority) || !(authority.Scheme == "https" || authority.IsLoopback))
            yield return new ValidationResult("SignIn:Authority must be an https address (http on this machine only).");
        if (string.IsNullOrEmpty(ClientId))
            yield return new ValidationResult("SignIn:ClientId is missing; the provider gives it.");
        foreach (var rule in Roles)
        {
            var scope = rule.DeploymentId is not null ? RoleScope.Deployment : rule.WorkspaceId is not null ? RoleScope.Workspace : RoleScope.Organization;
            if (RoleCatalog.Find(rule.Role) is not { } role || role == Role.Agent || role.Scope() != scope || rule.Claim.Length == 0 || rule.Value.Length == 0)
            {
                yield return new ValidationResult(
                    $"SignIn:Roles needs a Claim, its Value, a Role, and the WorkspaceId or DeploymentId that the role '{rule.Role}' is for.");
            }
        }
    }
}

/// <summary>Whoever has the claim with this value has the role.</summary>
internal sealed class RoleByClaim
{
    public string Claim { get; set; } = "";

    public string Value { get; set; } = "";

    public string Role { get; set; } = "";

    public string? WorkspaceId { get; set; }

    public string? DeploymentId { get; set; }
}
