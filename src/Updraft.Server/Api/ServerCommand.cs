using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Api;

/// <summary>The program around the server: <c>--help</c>, <c>--version</c>, mistakes in the settings, exit codes.</summary>
internal static partial class ServerCommand
{
    /// <summary>Stopped as asked.</summary>
    public const int Stopped = 0;

    /// <summary>Could not start, or broke down.</summary>
    public const int Failed = 1;

    /// <summary>The settings are wrong; EX_CONFIG of sysexits.h.</summary>
    public const int BadConfiguration = 78;

    // The log goes to standard output, where a sub-command prints its result.
    private static readonly string[] WithoutLog =
        ["--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft=None", "--Logging:LogLevel:System=None"];

    private const string Help = """
        The Updraft server: takes deploys of Apache Airflow projects and hands them to agents.

        Usage: Updraft.Server [--NAME VALUE]...
               Updraft.Server scrub [--json] [--NAME VALUE]...
               Updraft.Server import --From FOLDER [--dry-run] [--json] [--NAME VALUE]...

          scrub                   Reads every stored blob and names what is damaged; changes nothing, also while the server runs
          import                  Moves what is in another data folder to here; import --help says more
          --json                  With either: one JSON object instead of lines
          --Data FOLDER           Everything the server must remember. Default: updraft-data in the working folder
          --Keys FOLDER           Its keys, which servers on one database share. Default: keys in the data folder
          --Listen ADDRESS        Where it listens. Default: http://127.0.0.1:8888
          --PublicUrl ADDRESS     Where clients and agents reach it. Default: http://127.0.0.1:8888
          --Registry HOST:PORT    The image registry as clients see it. Default: localhost:5555
          --Storage:Url ADDRESS   Where blobs are kept, if not in the data folder: s3://BUCKET?region=… or azure://ACCOUNT/CONTAINER
          --AirflowHome PATH      Airflow's home in mount paths. Default: /usr/local/airflow
          --SECTION:NAME VALUE    A setting of a section, e.g. --Uploads:MaxBytes 1073741824
          --help, --version

        PostgreSQL instead of SQLite: --Database:ConnectionString (better as UPDRAFT_Database__ConnectionString).

        Every setting can also be an environment variable with the prefix UPDRAFT_ and two underscores for the colon
        (UPDRAFT_Uploads__MaxBytes), or stand in appsettings.json beside the program. The command line wins, then the
        environment.

        The first start makes an Organization, a Workspace and an owner token, and prints the token once. To choose them:
        --Bootstrap:OrganizationId, --Bootstrap:OrganizationName, --Bootstrap:WorkspaceId, --Bootstrap:WorkspaceName,
        --Bootstrap:OwnerToken (better as UPDRAFT_Bootstrap__OwnerToken), --Bootstrap:OwnerTokenFile PATH (writes the token
        there instead of printing it).

        Exit codes: 0 stopped as asked, 1 could not start or failed, 78 the settings are wrong (all mistakes are listed).
        Of scrub: 0 all is well, 1 something is damaged or cannot be read. Of import: 0 everything is there and verified, 1 not.
        """;

    /// <summary>Runs the server until it is told to stop.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="create">Builds the server.</param>
    /// <param name="start">Prepares the data folder and starts serving.</param>
    /// <param name="subCommands">What it can do instead, by the first word of the command line.</param>
    public static async Task<int> RunAsync(string[] args, Func<string[], WebApplication> create,
        Func<WebApplication, TextWriter, Task> start, IReadOnlyDictionary<string, SubCommand> subCommands)
    {
        var subCommand = args.Length > 0 ? subCommands.GetValueOrDefault(args[0]) : null;
        SubCommandArguments? own = null;
        if (subCommand is not null)
        {
            own = new SubCommandArguments(subCommand, args.Skip(1), out var rest);
            args = [.. rest];
        }
        if (args is ["--help" or "-h" or "help"])
        {
            await Console.Out.WriteLineAsync(subCommand?.Help ?? Help);
            return Stopped;
        }
        if (args is ["--version"])
        {
            await Console.Out.WriteLineAsync(Version);
            return Stopped;
        }
        string[] settings = subCommand is null ? args : [.. args, .. WithoutLog];
        if (FindUnknownSettings(args) is { Count: > 0 } unknown)
            return await RejectAsync([.. unknown, .. await FindInvalidValuesAsync(settings, create)]);
        try
        {
            await using var app = create(settings);
            if (subCommand is not null)
            {
                app.Services.GetRequiredService<IStartupValidator>().Validate();
                return await subCommand.RunAsync(app.Services, own!, CancellationToken.None);
            }
            await start(app, Console.Error);
            await Console.Error.WriteLineAsync($"Updraft {Version} is ready on {string.Join(" ", app.Urls)}");
            await app.WaitForShutdownAsync();
            return Stopped;
        }
        catch (Exception exception) when (FindFailures(exception) is { } failures)
        {
            return await RejectAsync(failures);
        }
        catch (IOException exception) when (exception.InnerException is AddressInUseException)
        {
            await Console.Error.WriteLineAsync($"{exception.Message} Choose another one with --Listen.");
            return Failed;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"The server cannot {(subCommand is null ? "start" : "do this")}: {exception.Message}");
            return Failed;
        }
    }

    private static string Version =>
        typeof(ServerCommand).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!.InformationalVersion.Split('+')[0];

    private static List<string> FindUnknownSettings(string[] args) =>
    [
        .. CheckSettings.InCommandLine(args),
        .. CheckSettings.InEnvironment(Environment.GetEnvironmentVariables().Keys.Cast<string>()),
        .. CheckSettings.InFile(Path.Join(AppContext.BaseDirectory, ServerHost.SettingsFile)),
    ];

    // The operator gets all mistakes at once, so the known settings are validated as well.
    private static async Task<IEnumerable<string>> FindInvalidValuesAsync(string[] settings, Func<string[], WebApplication> create)
    {
        try
        {
            await using var app = create(settings);
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            return [];
        }
        catch (Exception exception)
        {
            // Other exceptions follow from the unknown settings, such as an unreadable settings file.
            return FindFailures(exception) ?? [];
        }
    }

    private static IEnumerable<string>? FindFailures(Exception exception) => exception switch
    {
        OptionsValidationException validation => validation.Failures.Select(Shorten),
        AggregateException many when many.InnerExceptions.All(inner => inner is OptionsValidationException) =>
            many.InnerExceptions.Cast<OptionsValidationException>().SelectMany(inner => inner.Failures).Select(Shorten),
        // A text where a number belongs. The inner exception is the parser's.
        InvalidOperationException { InnerException: FormatException or ArgumentException or OverflowException } unreadable
            when unreadable.Source == "Microsoft.Extensions.Configuration.Binder" => [unreadable.Message],
        _ => null,
    };

    // The framework wraps each text, and its own texts name the member without the section.
    private static string Shorten(string failure)
    {
        var match = ValidationFailure().Match(failure);
        if (!match.Success)
            return failure;
        var (member, text) = (match.Groups["member"].Value, match.Groups["text"].Value);
        var setting = ServerSettings.All.FirstOrDefault(setting => setting.Property.Name == member
            && setting.Property.DeclaringType!.Name == match.Groups["options"].Value);
        return setting is null ? text
            : text.Replace($"The field {member} ", $"{setting.Key} ", StringComparison.Ordinal)
                .Replace($"The {member} field ", $"{setting.Key} ", StringComparison.Ordinal);
    }

    [GeneratedRegex(@"^DataAnnotation validation failed for '(?<options>\w+)' members: '(?<member>\w*)' with the error: '(?<text>.*?)'?\.?$",
        RegexOptions.ExplicitCapture | RegexOptions.Singleline)]
    private static partial Regex ValidationFailure();

    private static async Task<int> RejectAsync(IEnumerable<string> failures)
    {
        await Console.Error.WriteLineAsync("The settings are wrong:");
        foreach (var failure in failures)
            await Console.Error.WriteLineAsync($"- {failure}");
        return BadConfiguration;
    }
}
