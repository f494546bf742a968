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
            var read = Read();
            if (string.IsNullOrEmpty(read.Host) || string.IsNullOrEmpty(read.Database))
                mistake = new("Database:ConnectionString must name a Host and a Database.");
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or KeyNotFoundException)
        {
            // The reader's own message repeats a part of the text, which may be the password.
            mistake = new("Database:ConnectionString must be like 'Host=db;Database=updraft;Username=updraft;Password=…' or postgres://updraft:…@db/updraft.");
        }
        if (mistake is not null)
            yield return mistake;
    }

    /// <summary>For the pool of ordinary work: waits that nobody should have to endure end with an error.</summary>
    public NpgsqlConnectionStringBuilder ForWork()
    {
        var read = Read();
        read.MaxPoolSize = MaxConnections;
        // Seven statements before the first of every request would clear what no request leaves behind: settings, cursors, locks.
        if (!Says(read, "No Reset On Close"))
            read.NoResetOnClose = true;
        if (!Says(read, "Options"))
            read.Options = "-c lock_timeout=5s -c statement_timeout=30s -c idle_in_transaction_session_timeout=30s";
        return read;
    }

    /// <summary>For one connection of its own, which may wait for as long as it takes.</summary>
    public NpgsqlConnectionStringBuilder ForOne()
    {
        var read = Read();
        (read.Pooling, read.CommandTimeout, read.KeepAlive) = (false, 0, 10);
        return read;
    }

    private NpgsqlConnectionStringBuilder Read()
    {
        var text = ConnectionString!.Trim();
        var read = text.StartsWith("postgres://", StringComparison.Ordinal) || text.StartsWith("postgresql://", StringComparison.Ordinal)
            ? ReadUrl(new Uri(text)) : new NpgsqlConnectionStringBuilder(text);
        read.ApplicationName ??= "updraft";
        // Longer than this nobody waits for a place in the pool or for a server that does not answer.
        if (!Says(read, "Timeout"))
            read.Timeout = 5;
        // What is wrong with a statement may name what is in a row.
        read.IncludeErrorDetail = false;
        return read;
    }

    // Not ContainsKey, which knows every keyword that there is.
    private static bool Says(NpgsqlConnectionStringBuilder read, string keyword) => read.ShouldSerialize(keyword);

    private static NpgsqlConnectionStringBuilder ReadUrl(Uri url)
    {
        var who = url.UserInfo.Split(':', 2);
        var read = new NpgsqlConnectionStringBuilder { Host = Uri.UnescapeDataString(url.Host), Database = Uri.UnescapeDataString(url.AbsolutePath.TrimStart('/')) };
        if (url.Port > 0)
            read.Port = url.Port;
        if (who[0].Length > 0)
            read.Username = Uri.UnescapeDataString(who[0]);
        if (who.Length > 1)
            read.Password = Uri.UnescapeDataString(who[1]);
        foreach (var (name, value) in Microsoft.AspNetCore.WebUtilities.QueryHelpers.ParseQuery(url.Query))
            read[Keyword(name)] = value.ToString();
        return read;
    }

    // libpq's names, where Npgsql has others.
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
