namespace Updraft.Server.Events;

/// <summary>Says which fields an update has changed, by name: values may be long, or secret.</summary>
internal static class Changed
{
    /// <summary>The name of the detail.</summary>
    public const string Detail = "changed";

    /// <summary>The names of those that differ, in the order given; null when none does.</summary>
    public static string? Names(params IEnumerable<(string Name, object? Before, object? After)> fields)
    {
        var names = string.Join(", ", fields.Where(field => !Equals(field.Before, field.After)).Select(field => field.Name));
        return names.Length == 0 ? null : names;
    }
}
