using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Images;

/// <summary>The image registry for which tokens are made; section <c>Images</c>.</summary>
internal sealed class ImageOptions
{
    /// <summary>What the registry calls itself: the <c>service</c> of its token settings, and the audience of its tokens.</summary>
    [Required, RegularExpression("^[!-~]{1,100}$", ErrorMessage = "Images:Service must be 1 to 100 printable ASCII characters without blanks.")]
    public string Service { get; set; } = "updraft-registry";

    /// <summary>Address under which the server reaches the registry; none when the server never asks it anything.</summary>
    public string? RegistryUrl { get; set; }

    /// <summary>Whether <c>/v2/</c> of this server leads to the registry; by default when <see cref="RegistryUrl"/> is set.</summary>
    public bool? Proxy { get; set; }

    /// <summary>Whether clients reach the registry through this server.</summary>
    public bool IsProxied => Proxy ?? RegistryUrl is { Length: > 0 };
}
