using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Api;

/// <summary>Where the server keeps its data, and the URLs under which others reach it.</summary>
internal sealed class ServerOptions
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
