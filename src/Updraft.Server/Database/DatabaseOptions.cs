using System.ComponentModel.DataAnnotations;
using System.Globalization;
using Npgsql;

namespace Updraft.Server.Database;

/// <summary>Which database is used; section <c>Database</c>.</summary>
internal sealed class DatabaseOptions : IValidatableObject
{
    /// <summary>
    /// Where PostgreSQL is: <c>Host=db;Database=updraft;Username=updraft;Password=…</c>, or the same as
    /// <c>postgres://updraft:…@db/updraft?sslmode=require</c>. SQLite in the data folder when empty.
    /// </summary>
    public string? ConnectionString { get; set; }

    /// <summary>Most connections that one server holds to PostgreSQL; 50 by default. Two more listen and hold the lead.</summary>
    [Range(2, 1000)]
    public int MaxConnections { get; set; } = 50;

    /// <summary>Start although the keys are not those on record, and record them: once, after a key was changed on purpose.</summary>
    public bool AcceptKeys { get; set; }

    /// <summary>Whether several servers may work on the database.</summary>
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
