namespace Updraft.Server.Events;

/// <summary>Lists the names of the fields that an update changed. It lists no values, because they may be long or secret.</summary>
internal static class Changed
{
    /// <summary>Name of the event's detail.</summary>
    public const string Detail = "changed";

    /// <summary>The names of the changed fields, in the given order; null if no field changed.</summary>
    public static string? Names(params IEnumerable<(string Name, object? Before, object? After)> fields)
    {
        var names = string.Join(", ", fields.Where(field => !Equals(field.Before, field.After)).Select(field => field.Name));
        return names.Length == 0 ? null : names;
    }
}
