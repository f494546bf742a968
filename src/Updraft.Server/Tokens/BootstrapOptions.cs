using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Tokens;

/// <summary>What the first start makes; section <c>Bootstrap</c>. Ignored once there is an Organization.</summary>
internal sealed class BootstrapOptions
{
    private const string IdPattern = "^c[a-z0-9]{24}$";

    /// <summary>Id of the Organization: 25 characters, <c>c</c> and 24 of <c>[a-z0-9]</c>. Made when not set.</summary>
    [RegularExpression(IdPattern, ErrorMessage = "Bootstrap:OrganizationId must be 'c' and 24 lower-case letters or digits.")]
    public string? OrganizationId { get; set; }

    /// <summary>Name of the Organization, 1 to 50 characters.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string OrganizationName { get; set; } = "Default";

    /// <summary>Id of the Workspace, like <see cref="OrganizationId"/>. Made when not set.</summary>
    [RegularExpression(IdPattern, ErrorMessage = "Bootstrap:WorkspaceId must be 'c' and 24 lower-case letters or digits.")]
    public string? WorkspaceId { get; set; }

    /// <summary>Name of the Workspace, 1 to 50 characters.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string WorkspaceName { get; set; } = "Default";

    /// <summary>
    /// The owner's token: any 40 to 4,096 characters of <c>[A-Za-z0-9._~+/=-]</c> that nobody can guess. Made when not set.
    /// </summary>
    [RegularExpression("^[A-Za-z0-9._~+/=-]{40,4096}$",
        ErrorMessage = "Bootstrap:OwnerToken must be 40 to 4096 characters of A-Z a-z 0-9 . _ ~ + / = -")]
    public string? OwnerToken { get; set; }

    /// <summary>File to which the owner's token is written, readable by its owner only, instead of being printed.</summary>
    public string? OwnerTokenFile { get; set; }
}
