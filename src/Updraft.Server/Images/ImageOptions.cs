using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Images;

/// <summary>The image registry. The setting <c>Registry</c> has the host and port for clients.</summary>
internal sealed class ImageOptions : IValidatableObject
{
    public const string Section = "Images";

    /// <summary>Service name of the registry: the <c>service</c> in its token settings, which is the audience of its tokens.</summary>
    [Required, RegularExpression("^[!-~]{1,100}$", ErrorMessage =
        "Images:Service must be 1 to 100 printable ASCII characters without spaces.")]
    public string Service { get; set; } = "updraft-registry";

    /// <summary>
    /// URL under which the server reaches the registry. Without it, the server records image tags but does not resolve them, and it deletes
    /// no image.
    /// </summary>
    /// <value>an <c>http</c> or <c>https</c> URL without a path</value>
    public string? RegistryUrl { get; set; }

    /// <summary>
    /// How long an image stays in the registry after a newer revision replaced the last revision that uses it. <c>0</c> keeps all images.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00", "36500.00:00:00", ParseLimitsInInvariantCulture = true,
        ErrorMessage = "Images:KeepFor must be a time of at most 36500 days, e.g. 90.00:00:00, or 0 to keep all images.")]
    public TimeSpan KeepFor { get; set; } = TimeSpan.FromDays(90);

    /// <summary>
    /// Whether the server forwards <c>/v2/</c> to the registry, so that clients need no other URL. Default: <c>true</c> if
    /// <see cref="RegistryUrl"/> is set.
    /// </summary>
    public bool? Proxy { get; set; }

    /// <summary>Whether clients reach the registry through this server.</summary>
    public bool IsProxied => Proxy ?? RegistryUrl is { Length: > 0 };

    /// <summary><see cref="RegistryUrl"/> with a trailing slash; null if it is not set.</summary>
    public Uri? Registry => string.IsNullOrEmpty(RegistryUrl) ? null : new Uri(RegistryUrl.TrimEnd('/') + "/");

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (string.IsNullOrEmpty(RegistryUrl))
            yield break;
        if (!Uri.TryCreate(RegistryUrl, UriKind.Absolute, out var url) || url is not
            { Scheme: "http" or "https", AbsolutePath: "/", Query: "", Fragment: "", UserInfo: "" })
            yield return new ValidationResult($"Images:RegistryUrl is '{RegistryUrl}'. Write a URL without a path, such as "
                + "http://127.0.0.1:5555.");
    }
}
