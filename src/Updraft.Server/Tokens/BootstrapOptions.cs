using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Tokens;

/// <summary>The objects that the first start creates. The server ignores these settings once the database has an Organization.</summary>
internal sealed class BootstrapOptions
{
    public const string Section = "Bootstrap";

    private const string IdPattern = "^c[a-z0-9]{24}$";

    /// <summary>ID of the Organization. Default: generated.</summary>
    [RegularExpression(IdPattern, ErrorMessage = "Bootstrap:OrganizationId must be 'c' followed by 24 lower-case letters or digits.")]
    public string? OrganizationId { get; set; }

    /// <summary>Display name that the first start gives to its Organization.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string OrganizationName { get; set; } = "Default";

    /// <summary>ID of the Workspace. Default: generated.</summary>
    [RegularExpression(IdPattern, ErrorMessage = "Bootstrap:WorkspaceId must be 'c' followed by 24 lower-case letters or digits.")]
    public string? WorkspaceId { get; set; }

    /// <summary>Display name that the first start gives to its Workspace.</summary>
    [Required, StringLength(50, MinimumLength = 1)]
    public string WorkspaceName { get; set; } = "Default";

    /// <summary>
    /// The owner token. Choose a random value, because it grants all permissions. Prefer the environment variable to the command line.
    /// Default: generated.
    /// </summary>
    /// <value>40 to 4,096 of the characters <c>A-Z a-z 0-9 . _ ~ + / = -</c></value>
    [RegularExpression("^[A-Za-z0-9._~+/=-]{40,4096}$",
        ErrorMessage = "Bootstrap:OwnerToken must be 40 to 4096 characters of A-Z a-z 0-9 . _ ~ + / = -")]
    public string? OwnerToken { get; set; }

    /// <summary>
    /// File to which the server writes the owner token. Only the file's owner can read it. Delete it after you copied the token. Default:
    /// <c>owner-token</c> in the data directory, unless <see cref="OwnerToken"/> is set.
    /// </summary>
    /// <value>a path</value>
    public string? OwnerTokenFile { get; set; }
}
