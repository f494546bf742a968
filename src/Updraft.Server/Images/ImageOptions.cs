using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Images;

/// <summary>The image registry; section <c>Images</c>.</summary>
internal sealed class ImageOptions : IValidatableObject
{
    /// <summary>What the registry calls itself: the <c>service</c> of its token settings, and the audience of its tokens.</summary>
    [Required, RegularExpression("^[!-~]{1,100}$", ErrorMessage = "Images:Service must be 1 to 100 printable ASCII characters without blanks.")]
    public string Service { get; set; } = "updraft-registry";

    /// <summary>Address under which the server itself reaches the registry; null for tags that are recorded and not looked up.</summary>
    public string? RegistryUrl { get; set; }

    /// <summary>How long an image stays in the registry after the last revision that named it was replaced; zero for ever.</summary>
    [Range(typeof(TimeSpan), "00:00:00", "36500.00:00:00", ParseLimitsInInvariantCulture = true,
        ErrorMessage = "Images:KeepFor must be a time of at most 36500 days such as 90.00:00:00, or 0 to keep all.")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(90);

    /// <summary>Whether <c>/v2/</c> of this server leads to the registry; by default when <see cref="RegistryUrl"/> is set.</summary>
    public bool? Proxy { get; set; }

    /// <summary>Whether clients reach the registry through this server.</summary>
    public bool IsProxied => Proxy ?? RegistryUrl is { Length: > 0 };

    /// <summary><see cref="RegistryUrl"/> with a slash at its end; null when it is not set.</summary>
    public Uri? Registry => string.IsNullOrEmpty(RegistryUrl) ? null : new Uri(RegistryUrl.TrimEnd('/') + "/");

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(RegistryUrl))
            yield break;
        if (!Uri.TryCreate(RegistryUrl, UriKind.Absolute, out var address) || address is not
            { Scheme: "http" or "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" })
            yield return new ValidationResult("Images:RegistryUrl must be an address such as http://127.0.0.1:5555, without a path.");
    }
}
