using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>The database: SQLite in the data directory, or PostgreSQL, which several replicas can share.</summary>
internal sealed class DatabaseOptions : IValidatableObject
{
    public const string Section = "Database";

    /// <summary>
    /// Connection string of PostgreSQL. It contains a password, so prefer the environment variable to the command line. Default: SQLite in
    /// the data directory.
    /// </summary>
    /// <value>
    /// <c>Host=db;Database=updraft;Username=updraft;Password=…</c> or <c>postgres://updraft:…@db/updraft?sslmode=require</c>
    /// </value>
    public string? ConnectionString { get; set; }

    /// <summary>
    /// Maximum number of pooled PostgreSQL connections of one replica. A replica reserves two more: one for notifications, one for leader
    /// election. A request waits at most 5 seconds for a free connection.
    /// </summary>
    [Range(2, 1000)]
    public int MaxConnections { get; set; } = 50;

    /// <summary>
    /// Whether the server replaces the recorded key IDs with the IDs of its own keys. Set it for one start of one replica, after you
    /// changed a key on all replicas.
    /// </summary>
    public bool AcceptKeys { get; set; }

    /// <summary>Whether several replicas can share the database.</summary>
    public bool IsShared => !string.IsNullOrEmpty(ConnectionString);

    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (!IsShared)
            yield break;
        ValidationResult? mistake = null;
        try
        {
            var settings = Parse();
            if (string.IsNullOrEmpty(settings.Host) || string.IsNullOrEmpty(settings.Database))
                mistake = new("Database:ConnectionString must name a Host and a Database.");
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The parser's message contains a part of the text, which may be the password.
            mistake = new("Database:ConnectionString is malformed. "
                + "Use 'Host=db;Database=updraft;Username=updraft;Password=…' or postgres://updraft:…@db/updraft.");
        }
        if (mistake is not null)
            yield return mistake;
    }

    /// <summary>Settings of the connection pool for requests. Long waits end with an error.</summary>
    public NpgsqlConnectionStringBuilder ForPool()
    {
        var settings = Parse();
        settings.MaxPoolSize = MaxConnections;
        // A reset is seven statements before the first one of each request. No request leaves settings, cursors or session locks behind.
        if (!IsSet(settings, "No Reset On Close"))
            settings.NoResetOnClose = true;
        if (!IsSet(settings, "Options"))
            settings.Options = "-c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s";
        return settings;
    }

    /// <summary>Settings of a connection outside of the pool. Its statements have no timeout.</summary>
    public NpgsqlConnectionStringBuilder ForSingleConnection()
    {
        var settings = Parse();
        (settings.Pooling, settings.CommandTimeout, settings.KeepAlive) = (false, 0, 10);
        return settings;
    }

    private NpgsqlConnectionStringBuilder Parse()
    {
        var text = ConnectionString!.Trim();
        var settings = text.StartsWith("postgres://", StringComparison.Ordinal)
            || text.StartsWith("postgresql://", StringComparison.Ordinal)
            ? ParseUrl(new Uri(text)) : new NpgsqlConnectionStringBuilder(text);
        settings.ApplicationName ??= "updraft";
        // Limits the wait for a pooled connection and for an unreachable server. In seconds.
        if (!IsSet(settings, "Timeout"))
            settings.Timeout = 5;
        // The details of an error may contain values of a row.
        settings.IncludeErrorDetail = false;
        return settings;
    }

    // Not ContainsKey, which is true for every known keyword.
    private static bool IsSet(NpgsqlConnectionStringBuilder settings, string keyword) => settings.ShouldSerialize(keyword);

    private static NpgsqlConnectionStringBuilder ParseUrl(Uri url)
    {
        var user = url.UserInfo.Split(':', 2);
        var settings = new NpgsqlConnectionStringBuilder
        {
            Host = Uri.UnescapeDataString(url.Host),
            Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')),
        };
        if (url.Port > 0)
            settings.Port = url.Port;
        if (user[0].Length > 0)
            settings.Username = Uri.UnescapeDataString(user[0]);
        if (user.Length > 1)
            settings.Password = Uri.UnescapeDataString(user[1]);
        foreach (var (name, value) in Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(url.Query))
            settings[Keyword(name)] = value.ToString();
        return settings;
    }

    // Npgsql has other names than libpq for some parameters.
    private static string Keyword(string name) => name.ToLower(CultureInfo.InvariantCulture) switch
    {
        "sslmode" => "SSL Mode",
        "sslrootcert" => "Root Certificate",
        "sslcert" => "SSL Certificate",
        "sslkey" => "SSL Key",
        "connect_timeout" => "Timeout",
        "application_name" => "Application Name",
        "host" => "Host",
        _ => name,
    };
}
