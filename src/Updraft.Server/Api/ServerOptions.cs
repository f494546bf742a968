using System.ComponentModel.DataAnnotations;

namespace Updraft.Server.Api;

/// <summary>Where the server keeps its data and where it is found.</summary>
internal sealed class ServerOptions
{
    /// <summary>The one folder with everything the server must remember. Default <c>updraft-data</c> in the working folder.</summary>
    [Required]
    public string Data { get; set; } = "updraft-data";

    /// <summary>Address under which clients and agents reach the server; every address handed out begins with it.</summary>
    [Required, RegularExpression(@"^https?://[^/?#\s]+(/[^?#\s]*)?$",
        ErrorMessage = "PublicUrl must be an address such as https://updraft.example.org.")]
    public string PublicUrl { get; set; } = "http://127.0.0.1:8888";

    /// <summary>Address on which the server listens.</summary>
    [Required, RegularExpression(@"^https?://[^/?#\s]+/?$", ErrorMessage = "Listen must be an address such as http://127.0.0.1:8888.")]
    public string Listen { get; set; } = "http://127.0.0.1:8888";

    /// <summary>Airflow's home in mount paths. An agent's root stands for this folder.</summary>
    [Required, RegularExpression("^(/[^/]+)+$", ErrorMessage = "AirflowHome must be an absolute path without a / at its end.")]
    public string AirflowHome { get; set; } = "/usr/local/airflow";

    /// <summary>Host and port of the image registry as clients see it, without scheme.</summary>
    [Required, RegularExpression(@"^[^/?#\s]+$",
        ErrorMessage = "Registry must be a host and a port such as localhost:5555, without a scheme.")]
    public string Registry { get; set; } = "localhost:5555";

    /// <summary>The folder of keys; <c>keys</c> in the data folder when empty. Servers on one database need the same keys.</summary>
    public string? Keys { get; set; }

    /// <summary>The folder of keys, made when it is missing.</summary>
    public string KeyDirectory() => string.IsNullOrEmpty(Keys) ? Folder("keys") : Directory.CreateDirectory(Path.GetFullPath(Keys)).FullName;

    /// <summary>The path of <see cref="PublicUrl"/>, without a slash at its end; empty when it has none.</summary>
    public string PublicPath() => new Uri(PublicUrl).AbsolutePath.TrimEnd('/');

    /// <summary>A folder of the data folder, made when it is missing.</summary>
    public string Folder(string name) => Directory.CreateDirectory(Path.Join(Path.GetFullPath(Data), name)).FullName;
}
