using System.ComponentModel.DataAnnotations;
using Updraft.Server.Security;

namespace Updraft.Server.SignIn;

/// <summary>Single sign-on with OpenID Connect. Without <c>SignIn:Authority</c>, only API tokens can authenticate.</summary>
internal sealed class SignInOptions : IValidatableObject
{
    public const string Section = "SignIn";

    /// <summary>
    /// URL of the OpenID Connect provider. The server reads the provider's metadata below it, from
    /// <c>/.well-known/openid-configuration</c>.
    /// </summary>
    /// <value>an <c>https</c> URL, or an <c>http</c> URL of this host</value>
    public string? Authority { get; set; }

    /// <summary>Client ID of this server at the provider. Required with an authority.</summary>
    public string? ClientId { get; set; }

    /// <summary>
    /// Client secret of this server at the provider. A public client has none. Prefer the environment variable to the command line.
    /// </summary>
    public string? ClientSecret { get; set; }

    /// <summary>Scopes that the server requests at the provider.</summary>
    /// <value>scopes, separated by spaces</value>
    [Required]
    public string Scopes { get; set; } = "openid profile email";

    /// <summary>
    /// Email address of a user. At their sign-in, this user becomes owner of the Organization if no user owns it.
    /// </summary>
    /// <value>an email address</value>
    public string? FirstOwner { get; set; }

    /// <summary>
    /// Whether <see cref="FirstOwner"/> counts an email address that the provider does not confirm with <c>email_verified</c>. Set it
    /// only if users cannot change their email address at the provider.
    /// </summary>
    public bool TrustEmail { get; set; }

    /// <summary>How long a session of the web UI lasts without a request. Live updates of an open page do not count as requests.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan SessionIdle { get; set; } = TimeSpan.FromHours(8);

    /// <summary>How long a session of the web UI lasts at most. The next sign-in evaluates the claims of the user again.</summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan SessionLifetime { get; set; } = TimeSpan.FromHours(24);

    /// <summary>How long a login of a command-line client lasts without a use.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan LoginIdle { get; set; } = TimeSpan.FromDays(7);

    /// <summary>How long a login of a command-line client lasts at most. The next login evaluates the claims of the user again.</summary>
    [Range(typeof(TimeSpan), "01:00:00", "365.00:00:00")]
    public TimeSpan LoginLifetime { get; set; } = TimeSpan.FromDays(30);

    /// <summary>
    /// How old the claims of a user with a session of the web UI may get. Then the server asks the provider again. A refresh of a
    /// command-line login asks each time. Providers without refresh tokens are asked at the next sign-in only.
    /// </summary>
    [Range(typeof(TimeSpan), "00:01:00", "365.00:00:00")]
    public TimeSpan ClaimsInterval { get; set; } = TimeSpan.FromHours(1);

    /// <summary>Organization role that a user gets at their first sign-in. With <c>NONE</c>, they get no role.</summary>
    [RegularExpression("^(NONE|ORGANIZATION_MEMBER|ORGANIZATION_BILLING_ADMIN)$",
        ErrorMessage = "SignIn:DefaultRole must be ORGANIZATION_MEMBER, ORGANIZATION_BILLING_ADMIN or NONE.")]
    public string DefaultRole { get; set; } = "ORGANIZATION_MEMBER";

    /// <summary>Rules that grant roles by claims.</summary>
    public List<RoleByClaim> Roles { get; } = [];

    /// <summary>Whether users can sign in.</summary>
    public bool IsConfigured => !string.IsNullOrEmpty(Authority);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsConfigured)
            yield break;
        if (!Uri.TryCreate(Authority, UriKind.Absolute, out var authority) || !(authority.Scheme == "https" || authority.IsLoopback))
            yield return new ValidationResult($"SignIn:Authority is '{Authority}'. Write an https URL; http is allowed for this host "
                + "only.");
        if (string.IsNullOrEmpty(ClientId))
            yield return new ValidationResult("SignIn:ClientId is missing. Register Updraft at the provider, and set the client ID that "
                + "the provider assigns.");
        foreach (var rule in Roles)
        {
            var scope = rule.DeploymentId is not null
                ? RoleScope.Deployment : rule.WorkspaceId is not null ? RoleScope.Workspace : RoleScope.Organization;
            if (RoleCatalog.Find(rule.Role) is not { } role || role == Role.Agent || role.Scope() != scope || rule.Claim.Length == 0
                || rule.Value.Length == 0)
            {
                yield return new ValidationResult(
                    $"A rule in SignIn:Roles with the role '{rule.Role}' is incomplete. Set Claim, Value, Role, and the WorkspaceId or "
                        + "DeploymentId that the role needs.");
            }
        }
    }
}

/// <summary>A rule: each user with the claim and the value gets the role.</summary>
internal sealed class RoleByClaim
{
    /// <summary>Name of a claim of the provider, e.g. <c>groups</c>. Required.</summary>
    public string Claim { get; set; } = "";

    /// <summary>Value of the claim. A claim with several values needs this one among them. Required.</summary>
    public string Value { get; set; } = "";

    /// <summary>
    /// Role that users with the claim get at each sign-in, as long as they have the claim. Its scope is the Organization, or the Workspace
    /// or Deployment that the rule names. Required.
    /// </summary>
    /// <value>a role of the Organization, a Workspace or a Deployment, e.g. <c>WORKSPACE_AUTHOR</c></value>
    public string Role { get; set; } = "";

    /// <summary>ID of the Workspace. Required for a role of a Workspace.</summary>
    /// <value>an ID</value>
    public string? WorkspaceId { get; set; }

    /// <summary>ID of the Deployment. Required for a role of a Deployment.</summary>
    /// <value>an ID</value>
    public string? DeploymentId { get; set; }
}
