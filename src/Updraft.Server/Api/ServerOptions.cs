using System.ComponentModel.DataAnnotations;
using System.Net;

namespace Updraft.Server.Api;

/// <summary>Where the server keeps its data, and the URLs under which others reach it.</summary>
internal sealed class ServerOptions : IValidatableObject
{
    public const string Section = "";

    /// <summary>
    /// The data directory, which holds all that must survive a restart. A relative path starts at the working directory. The server
    /// creates a missing directory.
    /// </summary>
    /// <value>a path</value>
    [Required]
    public string Data { get; set; } = "updraft-data";

    /// <summary>
    /// URL under which browsers, clients and agents reach the server. It may have a path. All URLs that the server returns begin with it.
    /// If it is not set and <see cref="Listen"/> is a URL of this host, it is the same as <see cref="Listen"/>.
    /// </summary>
    [Required, RegularExpression(@"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        ErrorMessage = "PublicUrl must be a URL such as https://updraft.example.org.")]
    public string PublicUrl { get; set; } = "http://127.0.0.1:8888";

    /// <summary>
    /// URL on which the server listens. Set <c>http://0.0.0.0:8888</c> to listen on all network interfaces, and put a reverse proxy with
    /// TLS in front of it.
    /// </summary>
    [Required, RegularExpression(@"^https?://[^/?#\s]+/?$", ErrorMessage = "Listen must be a URL such as http://127.0.0.1:8888.")]
    public string Listen { get; set; } = "http://127.0.0.1:8888";

    /// <summary>
    /// The reverse proxies whose header <c>X-Forwarded-For</c> the server accepts. Logs, events and rate limits then have the
    /// IP address of the client instead of the proxy. Default: none, and the header is ignored.
    /// </summary>
    /// <value>IP addresses and networks, separated by spaces or commas, e.g. <c>10.0.0.5 172.18.0.0/16</c></value>
    public string? TrustedProxies { get; set; }

    /// <summary>Airflow's home directory in the mount paths of bundles. The root of an agent stands for this directory.</summary>
    [Required, RegularExpression("^(/[^/]+)+$", ErrorMessage = "AirflowHome must be an absolute path without a / at its end.")]
    public string AirflowHome { get; set; } = "/usr/local/airflow";

    /// <summary>
    /// Host and port under which clients reach the image registry. If the server proxies the registry and this setting is not set, the
    /// host and port of <see cref="PublicUrl"/> apply.
    /// </summary>
    [Required, RegularExpression(@"^[^/?#\s]+$",
        ErrorMessage = "Registry must be a host and a port such as localhost:5555, without a scheme.")]
    public string Registry { get; set; } = "localhost:5555";

    /// <summary>
    /// The directory of the keys. Replicas on one database need the same keys: use one shared directory, or copies of it. Default: the
    /// directory <c>keys</c> in the data directory.
    /// </summary>
    /// <value>a path</value>
    public string? Keys { get; set; }

    /// <summary>
    /// Whether responses give bundle deploys the type <c>DAG_ONLY</c> instead of <c>BUNDLE</c>. Turn it on for strict clients that were
    /// generated from Astro's published description, which lacks <c>BUNDLE</c> in responses. Bundle deploys still have the field
    /// <c>bundleMountPath</c>. Requests and <c>/v1alpha1</c> do not change.
    /// </summary>
    public bool PublishedDeployTypes { get; set; }

    /// <summary><see cref="TrustedProxies"/> as networks.</summary>
    /// <exception cref="FormatException">An entry is neither an IP address nor a network.</exception>
    public IEnumerable<IPNetwork> ReadTrustedProxies() =>
        (TrustedProxies ?? "").Split([' ', ','], StringSplitOptions.RemoveEmptyEntries).Select(entry =>
            IPAddress.TryParse(entry, out var address) ? new IPNetwork(address, address.GetAddressBytes().Length * 8)
                : IPNetwork.TryParse(entry, out var network) ? network
                : throw new FormatException($"TrustedProxies has '{ApiException.Shorten(entry)}', which is neither an IP address nor a "
                    + "network. Write entries such as 10.0.0.5 or 172.18.0.0/16."));

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        string? mistake = null;
        try
        {
            _ = ReadTrustedProxies().ToList();
        }
        catch (FormatException exception)
        {
            mistake = exception.Message;
        }
        if (mistake is not null)
            yield return new ValidationResult(mistake);
    }

    /// <summary>The public URL if only <see cref="Listen"/> is set to a URL of this host; null otherwise.</summary>
    public static string? FollowListen(IConfiguration configuration) =>
        string.IsNullOrEmpty(configuration[nameof(PublicUrl)])
            && Uri.TryCreate(configuration[nameof(Listen)], UriKind.Absolute, out var url) && url is { IsLoopback: true, Port: not 0 }
            ? url.GetLeftPart(UriPartial.Authority) : null;

    /// <summary>Path of the directory of the keys. Creates a missing directory.</summary>
    public string KeyDirectory() => string.IsNullOrEmpty(Keys) ? Folder("keys") : PrivateDirectory.Create(Path.GetFullPath(Keys));

    /// <summary>The path of <see cref="PublicUrl"/> without a trailing slash; empty if it has none.</summary>
    public string PublicPath() => new Uri(PublicUrl).AbsolutePath.TrimEnd('/');

    /// <summary>Path of a subdirectory of the data directory. Creates a missing directory.</summary>
    public string Folder(string name)
    {
        var data = PrivateDirectory.Create(Path.GetFullPath(Data));
        return PrivateDirectory.Create(Path.Join(data, name));
    }
}
