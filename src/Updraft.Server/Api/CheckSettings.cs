using System.ComponentModel;

namespace Updraft.Server.Api;

/// <summary>Finds keys that are not settings, in the sources of settings. Each result is a sentence for the operator.</summary>
internal static class CheckSettings
{
    public const string EnvironmentPrefix = "UPDRAFT_";
    private const string Separator = "__";

    /// <summary>Arguments of the form <c>--KEY VALUE</c> or <c>--KEY=VALUE</c>.</summary>
    public static IEnumerable<string> InCommandLine(string[] args)
    {
        for (var i = 0; i < args.Length; i++)
        {
            var name = args[i].Split('=')[0];
            if (!name.StartsWith("--", StringComparison.Ordinal))
            {
                yield return $"'{name}' is neither a command nor a setting; settings start with '--'. Run --help.";
                continue;
            }
            if (!ServerSettings.IsKnown(name[2..]))
                yield return Explain($"'{name}'", name[2..], static key => "--" + key);
            if (!args[i].Contains('=', StringComparison.Ordinal) && ++i == args.Length)
                yield return $"'{name}' has no value. Add one after it.";
        }
    }

    /// <summary>
    /// Environment variables with the prefix. One without two underscores that is not a setting is ignored: it belongs to another program,
    /// such as <c>UPDRAFT_AGENT_TOKEN</c>, or to Kubernetes, which sets <c>UPDRAFT_SERVICE_HOST</c> for a service named updraft.
    /// </summary>
    /// <param name="names">Names of the variables.</param>
    public static IEnumerable<string> InEnvironment(IEnumerable<string> names) =>
        from name in names.Order(StringComparer.Ordinal)
        where name.StartsWith(EnvironmentPrefix, StringComparison.OrdinalIgnoreCase) && name.Contains(Separator, StringComparison.Ordinal)
        let key = name[EnvironmentPrefix.Length..].Replace(Separator, ":", StringComparison.Ordinal)
        where !ServerSettings.IsKnown(key)
        select Explain($"The environment variable '{name}'", key,
            static nearest => EnvironmentPrefix + nearest.Replace(":", Separator, StringComparison.Ordinal));

    /// <summary>Keys of a settings file. A file that does not exist has none.</summary>
    public static IEnumerable<string> InFile(string path)
    {
        IConfiguration file;
        try
        {
            file = new ConfigurationBuilder().AddJsonFile(path, optional: true, reloadOnChange: false).Build();
        }
        catch (InvalidDataException exception)
        {
            return [$"The settings file '{path}' cannot be read: {exception.InnerException?.Message ?? exception.Message}"];
        }
        return file.AsEnumerable()
            .Where(entry => !file.GetSection(entry.Key).GetChildren().Any() && !ServerSettings.IsKnown(entry.Key))
            .OrderBy(entry => entry.Key, StringComparer.Ordinal)
            .Select(entry => Explain($"'{entry.Key}' in the settings file '{path}'", entry.Key, static nearest => nearest));
    }

    /// <summary>
    /// Values that their settings cannot hold, such as a text in place of a number. The configuration stops at the first one, so the check
    /// finds all of them before.
    /// </summary>
    /// <returns>The key of each value, a sentence for the operator, and a valid value in its place.</returns>
    public static IEnumerable<(string Key, string Problem, string Valid)> FindUnreadable(IConfiguration configuration)
    {
        foreach (var (key, value) in configuration.AsEnumerable().OrderBy(entry => entry.Key, StringComparer.Ordinal))
        {
            if (string.IsNullOrEmpty(value) || ServerSettings.Find(key) is not { } setting)
                continue;
            var type = Nullable.GetUnderlyingType(setting.Property.PropertyType) ?? setting.Property.PropertyType;
            var converter = TypeDescriptor.GetConverter(type);
            if (!converter.CanConvertFrom(typeof(string)) || converter.IsValid(value))
                continue;
            var standard = setting.Property.GetValue(Activator.CreateInstance(setting.Property.DeclaringType!));
            yield return (key, $"{key} is '{ApiException.Shorten(value)}', but must be {Describe(type)}.",
                standard is null ? "" : converter.ConvertToInvariantString(standard)!);
        }
    }

    private static string Describe(Type type) => type switch
    {
        _ when type == typeof(TimeSpan) => "a time such as 00:01:30 or 7.00:00:00",
        _ when type == typeof(bool) => "true or false",
        _ when type.IsEnum => "one of " + string.Join(", ", Enum.GetNames(type)),
        _ when type == typeof(double) || type == typeof(decimal) => "a number",
        _ => "a whole number",
    };

    private static string Explain(string subject, string key, Func<string, string> write) => ServerSettings.FindNearest(key) is { } nearest
        ? $"{subject} is not a setting. Did you mean '{write(nearest)}'?"
        : $"{subject} is not a setting. The configuration reference lists all settings.";
}
