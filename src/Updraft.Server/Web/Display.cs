using System.Globalization;
using Updraft.Protocol.Api;

namespace Updraft.Server.Web;

/// <summary>Formats values for the web UI.</summary>
internal static class Display
{
    private static readonly string[] Units = ["B", "KB", "MB", "GB", "TB"];

    public static string Bytes(long bytes)
    {
        var (value, unit) = ((double)bytes, 0);
        while (value >= 1000 && unit < Units.Length - 1)
            (value, unit) = (value / 1000, unit + 1);
        return unit == 0 ? $"{bytes} B" : value.ToString(value < 10 ? "0.0" : "0", CultureInfo.InvariantCulture) + " " + Units[unit];
    }

    public static string Count(long count) => count.ToString("#,0", CultureInfo.InvariantCulture);

    /// <summary>A count with its noun, such as "1 agent" or "2 agents".</summary>
    public static string Count(long count, string singular) => count == 1 ? $"1 {singular}" : $"{Count(count)} {singular}s";

    public static string Duration(TimeSpan duration) => duration switch
    {
        { Ticks: < 0 } => "0 s",
        { TotalSeconds: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalMilliseconds:0} ms"),
        { TotalSeconds: < 10 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0.0} s"),
        { TotalMinutes: < 1 } => string.Create(CultureInfo.InvariantCulture, $"{duration.TotalSeconds:0} s"),
        { TotalHours: < 1 } => $"{duration.Minutes} min {duration.Seconds} s",
        { TotalDays: < 1 } => $"{duration.Hours} h {duration.Minutes} min",
        _ => $"{duration.Days} d {duration.Hours} h",
    };

    /// <summary>A bundle version with date and time to hundredths of a second; other texts unchanged.</summary>
    public static string Version(string? version) =>
        version is { Length: 28 } && version[10] == 'T' && version[^1] == 'Z' ? $"{version[..10]} {version[11..22]}" : version ?? "none";

    public static string Type(string type) => type switch
    {
        "DAG_ONLY" => "DAGs",
        "IMAGE_AND_DAG" => "Image and DAGs",
        "IMAGE_ONLY" => "Image",
        "BUNDLE" => "Bundle",
        _ => type,
    };

    /// <summary>The part of a path after the last slash.</summary>
    public static string FileName(string path) => path[(path.LastIndexOf('/') + 1)..];

    public static string Sha(string sha) => sha.Length > 10 ? sha[..10] : sha;

    /// <summary>Name of a user or token.</summary>
    public static string Subject(SubjectProfileResponse? subject) =>
        subject?.FullName ?? subject?.ApiTokenName ?? subject?.Username ?? "unknown";

    /// <summary>The first letters of the first two words.</summary>
    public static string Initials(string name)
    {
        var words = name.Split([' ', '.', '-', '_', '@', '/'], StringSplitOptions.RemoveEmptyEntries);
        var letters = words.Take(2).Select(word => StringInfo.GetNextTextElement(word));
        return string.Concat(letters).ToUpperInvariant();
    }
}
