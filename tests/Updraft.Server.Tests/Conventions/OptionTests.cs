using System.ComponentModel.DataAnnotations;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using Updraft.Server.Api;

namespace Updraft.Server.Tests.Conventions;

/// <summary>The options classes are the list of settings, and docs/reference/configuration.md is generated from them.</summary>
public sealed partial class OptionTests
{
    private const string Introduction = """
        # Configuration reference

        > **Reference.** For operators of the server: you get all its settings, their defaults and their bounds.

        The options of the agent are in [the agent's command line](agent-command-line.md).

        ## Set a value
        There are three ways to set a value. The later one wins:

        1. The settings file `appsettings.json` in the directory of the program: `{"Uploads": {"MaxBytes": 1073741824}}`.
        2. An environment variable: the prefix `UPDRAFT_`, then the name with two underscores for each colon. Example:
           `UPDRAFT_Uploads__MaxBytes=1073741824`.
        3. The command line: `--Uploads:MaxBytes 1073741824` or `--Uploads:MaxBytes=1073741824`.

        Names are not case-sensitive. Write numbers without separators, and times as `days.hours:minutes:seconds`, for example
        `7.00:00:00` for seven days. In the name of a list, replace `N` by 0, 1, 2 and so on.

        The server validates all settings at its start. If a value is invalid or a name is unknown, it lists all mistakes and
        ends with exit code 78. It ignores environment variables without two underscores that are not settings, such as
        `UPDRAFT_AGENT_TOKEN`.

        """;

    private const string FreeSections = """

        ## Logging
        The server writes its log to standard output: one JSON object per line, with times in UTC. Every category is a setting:

        | Setting | Environment variable | Default | Allowed values | Meaning |
        | --- | --- | --- | --- | --- |
        | `Logging:LogLevel:Default` | `UPDRAFT_Logging__LogLevel__Default` | `Information` | `Trace`, `Debug`, `Information`, `Warning`, `Error`, `Critical` or `None` | Lowest level that the server logs. |
        | `Logging:LogLevel:CATEGORY` | `UPDRAFT_Logging__LogLevel__CATEGORY` | `Warning` for `Microsoft`, `System` and `Polly` | the same values | Lowest level of the categories that start with `CATEGORY`, for example `Updraft.Server.Webhooks`. |

        ## Kestrel
        The server passes the section `Kestrel` to its web server, Kestrel of ASP.NET Core. Updraft needs no setting there.
        """;

    private static readonly IReadOnlyDictionary<string, string> KeysByProperty = ServerSettings.All.ToDictionary(
        setting => $"P:{setting.Property.DeclaringType!.FullName}.{setting.Property.Name}", setting => setting.Key, StringComparer.Ordinal);

    [Fact]
    public void Configuration_reference_matches_the_options_classes() =>
        GeneratedDocument.AssertCurrent("docs/reference/configuration.md", Introduction
            + string.Concat(ServerSettings.Classes.Select(entry => "\n" + Describe(entry.Section, entry.Options))) + FreeSections + "\n");

    [Fact]
    public void Every_setting_has_a_documented_meaning()
    {
        Assert.True(ServerSettings.All.Count > 50, $"Only {ServerSettings.All.Count} settings were found.");
        Assert.Equal([], ServerSettings.All.Where(setting => Meaning(setting).Length < 10).Select(setting => setting.Key));
    }

    [Fact]
    public async Task Every_bound_options_class_declares_its_section()
    {
        var bound = new List<Type>();
        await using var app = Program.Create([], builder => bound.AddRange(builder.Services
            .Where(service => service.ServiceType is { IsGenericType: true } type
                && type.GetGenericTypeDefinition() == typeof(IConfigureOptions<>))
            .Select(service => service.ServiceType.GetGenericArguments()[0]).Where(type => type.Assembly == typeof(Program).Assembly)));
        Assert.Equal(ServerSettings.Classes.Select(entry => entry.Options.Name).Order(StringComparer.Ordinal),
            bound.Select(type => type.Name).Distinct().Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Every_section_is_bound_to_its_options_class()
    {
        foreach (var (section, options) in ServerSettings.Classes)
        {
            // A text would change how the server is composed, so other types come first.
            var property = options.GetProperties().Where(property => property.CanWrite)
                .MinBy(property => property.PropertyType == typeof(string))!;
            var key = section.Length == 0 ? property.Name : $"{section}:{property.Name}";
            var value = Different(property.GetValue(Activator.CreateInstance(options)), property.PropertyType);
            await using var app = Program.Create([$"--{key}={value}"]);
            Assert.True(value == Write(property.GetValue(Configured(app.Services, options))),
                $"{options.Name} is not bound to the section '{section}': {key} has no effect.");
        }
    }

    [Theory]
    [InlineData("uploads:maxbytes")]
    [InlineData("SignIn:Roles:12:Claim")]
    [InlineData("Logging:LogLevel:Updraft.Server.Webhooks")]
    [InlineData("Kestrel:Limits:MaxConcurrentConnections")]
    public void Key_is_known(string key) => Assert.True(ServerSettings.IsKnown(key));

    [Theory]
    [InlineData("Uploads")]
    [InlineData("Uploads:MaxBytes:More")]
    [InlineData("SignIn:Roles:Claim")]
    [InlineData("Logging")]
    public void Key_is_unknown(string key) => Assert.False(ServerSettings.IsKnown(key));

    private static object Configured(IServiceProvider services, Type type)
    {
        var options = Activator.CreateInstance(type)!;
        var step = typeof(IConfigureOptions<>).MakeGenericType(type);
        foreach (var configure in services.GetServices(step))
            step.GetMethod(nameof(IConfigureOptions<object>.Configure))!.Invoke(configure, [options]);
        return options;
    }

    private static string Different(object? value, Type type) => value switch
    {
        bool on => Write(!on),
        int number => Write(number + 1),
        long number => Write(number + 1),
        TimeSpan time => Write(time + TimeSpan.FromSeconds(1)),
        null when type == typeof(bool?) => Write(true),
        _ => "http://127.0.0.1:4318",
    };

    private static string Write(object? value) => value switch
    {
        bool on => on ? "true" : "false",
        TimeSpan time => time.ToString("c", CultureInfo.InvariantCulture),
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Describe(string section, Type options)
    {
        var text = new StringBuilder();
        text.Append(CultureInfo.InvariantCulture, $"## {(section.Length == 0 ? "General" : section)}\n");
        text.Append(CultureInfo.InvariantCulture,
            $"{GeneratedDocument.Wrap(GeneratedDocument.Read($"T:{options.FullName}", "summary", Resolve))}\n\n");
        text.Append("| Setting | Environment variable | Default | Allowed values | Meaning |\n| --- | --- | --- | --- | --- |\n");
        foreach (var setting in ServerSettings.All.Where(setting =>
            (setting.Key.Contains(':', StringComparison.Ordinal) ? setting.Key.Split(':')[0] : "") == section))
        {
            text.Append(CultureInfo.InvariantCulture, $"| `{setting.Key}` | "
                + $"`UPDRAFT_{setting.Key.Replace(":", "__", StringComparison.Ordinal)}` | ");
            text.Append(CultureInfo.InvariantCulture, $"{Default(setting)} | {GeneratedDocument.Cell(Allowed(setting))} | "
                + $"{GeneratedDocument.Cell(Meaning(setting))} |\n");
        }
        return text.ToString();
    }

    private static string Summary(ServerSetting setting) =>
        GeneratedDocument.Read($"P:{setting.Property.DeclaringType!.FullName}.{setting.Property.Name}", "summary", Resolve);

    private static string Meaning(ServerSetting setting) => DefaultSentence().Replace(Summary(setting), "").TrimEnd();

    /// <summary>The value of a new instance; without one, the sentence <c>Default: …</c> of the summary.</summary>
    private static string Default(ServerSetting setting)
    {
        var value = Write(setting.Property.GetValue(Activator.CreateInstance(setting.Property.DeclaringType!)));
        if (value.Length == 0)
            return DefaultSentence().Match(Summary(setting)) is { Success: true } match ? match.Groups["text"].Value : "none";
        return setting.Property.PropertyType == typeof(TimeSpan) ? $"`{value}` ({Say(TimeSpan.Parse(value, CultureInfo.InvariantCulture))})"
            : IsBytes(setting) ? $"`{value}`{Unit(long.Parse(value, CultureInfo.InvariantCulture))}" : $"`{value}`";
    }

    private static string Allowed(ServerSetting setting)
    {
        var property = setting.Property;
        if (property.PropertyType == typeof(bool) || property.PropertyType == typeof(bool?))
            return "`true` or `false`";
        if (property.GetCustomAttribute<RangeAttribute>() is { } range)
        {
            if (range.OperandType == typeof(TimeSpan))
                return $"{Say(TimeSpan.Parse((string)range.Minimum, CultureInfo.InvariantCulture))} to "
                    + $"{Say(TimeSpan.Parse((string)range.Maximum, CultureInfo.InvariantCulture))}";
            var (least, most) = (Convert.ToInt64(range.Minimum, CultureInfo.InvariantCulture),
                Convert.ToInt64(range.Maximum, CultureInfo.InvariantCulture));
            return string.Create(CultureInfo.InvariantCulture, $"{least:N0} to {most:N0}{(IsBytes(setting) ? Unit(most) : "")}");
        }
        if (property.GetCustomAttribute<StringLengthAttribute>() is { } length)
            return string.Create(CultureInfo.InvariantCulture, $"{length.MinimumLength:N0} to {length.MaximumLength:N0} characters");
        var documented = GeneratedDocument.Read($"P:{property.DeclaringType!.FullName}.{property.Name}", "value", Resolve);
        if (documented.Length > 0)
            return documented;
        return property.GetCustomAttribute<RegularExpressionAttribute>()?.ErrorMessage is { } message
            ? Literal().Replace(message.Split(" must be ")[1].TrimEnd('.'), "`$0`") : "any text";
    }

    private static string Resolve(string member) => KeysByProperty.GetValueOrDefault(member)
        ?? throw new InvalidOperationException($"The documentation of a setting refers to '{member}', which is not a setting.");

    private static bool IsBytes(ServerSetting setting) => setting.Property.Name.EndsWith("Bytes", StringComparison.Ordinal);

    private static string Unit(long bytes)
    {
        foreach (var (name, size) in new[] { ("TiB", 1L << 40), ("GiB", 1L << 30), ("MiB", 1L << 20), ("KiB", 1L << 10) })
        {
            if (bytes >= size && bytes % size == 0)
                return string.Create(CultureInfo.InvariantCulture, $" ({bytes / size:N0} {name})");
        }
        return "";
    }

    private static string Say(TimeSpan time)
    {
        foreach (var (name, size) in new[] { ("day", TimeSpan.FromDays(1)), ("hour", TimeSpan.FromHours(1)),
            ("minute", TimeSpan.FromMinutes(1)),
            ("second", TimeSpan.FromSeconds(1)), ("millisecond", TimeSpan.FromMilliseconds(1)) })
        {
            if (time > TimeSpan.Zero && time.Ticks % size.Ticks == 0)
                return string.Create(CultureInfo.InvariantCulture, $"{time.Ticks / size.Ticks:N0} {name}{(time == size ? "" : "s")}");
        }
        return "0";
    }

    [GeneratedRegex(@"(?<=^|\. )Default: (?<text>.+)\.$", RegexOptions.ExplicitCapture)]
    private static partial Regex DefaultSentence();

    [GeneratedRegex(@"https?://[^\s,]+|[a-z]+:[0-9]+|\b(?!URL|ASCII)[A-Z][A-Z_]+\b")]
    private static partial Regex Literal();
}
