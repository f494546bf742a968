using System.Reflection;

namespace Updraft.Server.Api;

/// <summary>One setting that the server reads.</summary>
/// <param name="Key">Full key, e.g. <c>Uploads:MaxBytes</c>. The segment <c>N</c> of a list stands for any index.</param>
/// <param name="Property">Property of the options class. It holds the default, the rules and the documentation.</param>
internal sealed record ServerSetting(string Key, PropertyInfo Property);

/// <summary>
/// All settings of the server, read from its options classes: each class named <c>…Options</c> with a constant <c>Section</c>. A writable
/// property is a setting; a list without a setter is a list of records, whose writable properties are the settings.
/// </summary>
internal static class ServerSettings
{
    /// <summary>Segment of a key that stands for any index of a list.</summary>
    public const string Index = "N";

    /// <summary>Name of the constant that makes a class an options class. Its value is empty for settings without a section.</summary>
    private const string SectionField = "Section";

    /// <summary>Sections that the framework reads. Every key in them is accepted.</summary>
    public static IReadOnlyList<string> FreeSections { get; } = ["Logging", "Kestrel"];

    /// <summary>Keys of earlier releases. The server accepts and ignores them, so that an upgrade does not fail.</summary>
    public static IReadOnlyList<string> Retired { get; } = ["Archives:MaxRatio"];

    /// <summary>The options classes: first the one without a section, then by section.</summary>
    public static IReadOnlyList<(string Section, Type Options)> Classes { get; } =
    [
        .. typeof(ServerSettings).Assembly.GetTypes().Where(type => type.Name.EndsWith("Options", StringComparison.Ordinal))
            .Select(type => (Section: type.GetField(SectionField, BindingFlags.Public | BindingFlags.Static)?.GetRawConstantValue() as string, type))
            .Where(pair => pair.Section is not null)
            .OrderBy(pair => pair.Section, StringComparer.Ordinal)
            .Select(pair => (pair.Section!, pair.type)),
    ];

    /// <summary>All settings, in the order of <see cref="Classes"/> and of their declaration.</summary>
    public static IReadOnlyList<ServerSetting> All { get; } =
        [.. Classes.SelectMany(entry => Read(entry.Options, entry.Section.Length == 0 ? "" : entry.Section + ":"))];

    /// <summary>Whether the server accepts a key. Case is ignored, as in the configuration itself.</summary>
    public static bool IsKnown(string key)
    {
        var segments = key.Split(':');
        return (segments.Length > 1 && FreeSections.Contains(segments[0], StringComparer.OrdinalIgnoreCase))
            || Retired.Contains(key, StringComparer.OrdinalIgnoreCase)
            || Find(key) is not null;
    }

    /// <summary>The setting of a key; null if the server has no such setting of its own.</summary>
    public static ServerSetting? Find(string key)
    {
        var segments = key.Split(':');
        return All.FirstOrDefault(setting => Matches(setting.Key.Split(':'), segments));
    }

    /// <summary>The known key with the fewest changed letters; null if more than half of the letters differ.</summary>
    public static string? FindNearest(string key)
    {
        var nearest = All.Select(setting => (setting.Key, Distance: Distance(setting.Key.ToUpperInvariant(), key.ToUpperInvariant())))
            .MinBy(candidate => candidate.Distance);
        return nearest.Distance * 2 <= key.Length ? nearest.Key : null;
    }

    private static IEnumerable<ServerSetting> Read(Type type, string prefix)
    {
        foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance))
        {
            if (property.CanWrite)
                yield return new ServerSetting(prefix + property.Name, property);
            else if (property.PropertyType is { IsGenericType: true } list && list.GetGenericTypeDefinition() == typeof(List<>))
                foreach (var setting in Read(list.GetGenericArguments()[0], $"{prefix}{property.Name}:{Index}:"))
                    yield return setting;
        }
    }

    private static bool Matches(string[] pattern, string[] segments) => pattern.Length == segments.Length
        && pattern.Zip(segments).All(pair => pair.First == Index || pair.First.Equals(pair.Second, StringComparison.OrdinalIgnoreCase));

    /// <summary>Levenshtein distance.</summary>
    private static int Distance(string from, string to)
    {
        var row = Enumerable.Range(0, to.Length + 1).ToArray();
        for (var i = 1; i <= from.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= to.Length; j++)
            {
                var substitute = diagonal + (from[i - 1] == to[j - 1] ? 0 : 1);
                diagonal = row[j];
                row[j] = Math.Min(substitute, Math.Min(row[j], row[j - 1]) + 1);
            }
        }
        return row[^1];
    }
}
