using System.Globalization;
using System.Reflection;
using System.Text.RegularExpressions;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Conventions;

/// <summary>docs/configuration.md says what the code says.</summary>
public sealed partial class OptionTests
{
    private const string Document = "docs/configuration.md";

    [Fact]
    public void Every_setting_has_a_row_with_its_default()
    {
        var rows = Rows();
        var wrong = new List<string>();
        foreach (var (name, value) in Settings())
        {
            if (!rows.TryGetValue(name, out var row))
                wrong.Add($"{name} has no row");
            else if (row.Environment != $"`UPDRAFT_{name.Replace(":", "__", StringComparison.Ordinal)}`")
                wrong.Add($"{name} has the environment variable {row.Environment}");
            else if (row.Default != (value is null ? row.Default.Trim('`') : $"`{value}`"))
                wrong.Add($"{name} is {value ?? "not set"} by default; the row says {row.Default}");
        }
        Assert.True(wrong.Count == 0, $"Correct {Document}; an operator knows a setting only from there:\n" + string.Join('\n', wrong));
    }

    [Fact]
    public void Every_row_is_a_setting_that_exists()
    {
        var settings = Settings().Select(setting => setting.Name).ToHashSet();
        Assert.Equal([], Rows().Keys.Where(name => !settings.Contains(name)));
    }

    /// <summary>Every settable property of an <c>…Options</c> class: <c>UploadOptions</c> is the section <c>Uploads</c>, ServerOptions the root.</summary>
    private static List<(string Name, string? Default)> Settings()
    {
        var settings = new List<(string, string?)>();
        foreach (var type in typeof(ServerOptions).Assembly.GetTypes().Where(type => type is { IsClass: true, IsAbstract: false, IsNested: false }
            && type.Name.EndsWith("Options", StringComparison.Ordinal)))
        {
            var section = type == typeof(ServerOptions) ? "" : Section(type.Name[..^"Options".Length]) + ":";
            var fresh = Activator.CreateInstance(type)!;
            foreach (var property in type.GetProperties(BindingFlags.Public | BindingFlags.Instance).Where(property => property.CanWrite))
                settings.Add((section + property.Name, Convert.ToString(property.GetValue(fresh), CultureInfo.InvariantCulture) is { Length: > 0 } text ? text : null));
        }
        Assert.True(settings.Count > 15, "Hardly an option was found.");
        return settings;
    }

    private static string Section(string stem) => stem is "Bootstrap" or "Database" or "Storage" or "SignIn" or "Telemetry" ? stem : stem + "s";

    private static Dictionary<string, (string Environment, string Default)> Rows()
    {
        var server = SourceTree.Read(Document).Split("\n## Agent\n")[0];
        return Row().Matches(server).ToDictionary(match => match.Groups["name"].Value,
            match => (match.Groups["environment"].Value.Trim(), match.Groups["default"].Value.Trim()));
    }

    [GeneratedRegex(@"^\| `(?<name>[A-Za-z:]+)` \|(?<environment>[^|]*)\|(?<default>[^|]*)\|", RegexOptions.Multiline)]
    private static partial Regex Row();
}
