using System.Reflection;
using System.Text.RegularExpressions;
using Microsoft.AspNetCore.Connections;
using Microsoft.Extensions.Options;

namespace Updraft.Server.Api;

/// <summary>The command line of the server: <c>--help</c>, <c>--version</c>, invalid settings, exit codes.</summary>
internal static partial class ServerCommand
{
    /// <summary>The server stopped on request.</summary>
    public const int Stopped = 0;

    /// <summary>The server could not start, or it failed.</summary>
    public const int Failed = 1;

    /// <summary>A setting is invalid or unknown. EX_CONFIG of sysexits.h.</summary>
    public const int BadConfiguration = 78;

    // The log goes to standard output, where a command prints its result.
    private static readonly string[] WithoutLog =
        ["--Logging:LogLevel:Default=None", "--Logging:LogLevel:Microsoft=None", "--Logging:LogLevel:System=None"];

    private const string Help = """
        The Updraft server receives deploys of Apache Airflow projects and delivers them to agents.

        Usage: Updraft.Server [--NAME VALUE]...
               Updraft.Server scrub [--json] [--NAME VALUE]...
               Updraft.Server import --From DIRECTORY [--dry-run] [--json] [--NAME VALUE]...

          scrub                   Read all stored blobs and list damaged ones. It changes nothing, and works while the server runs
          import                  Import the contents of another data directory. See import --help
          --json                  With a command: print one JSON object instead of lines
          --Data DIRECTORY        Data directory of the server. Default: updraft-data in the working directory
          --Keys DIRECTORY        Keys of the server, which all replicas share. Default: keys in the data directory
          --Listen URL            URL to listen on. Default: http://127.0.0.1:8888
          --PublicUrl URL         URL under which clients and agents reach the server. Default: http://127.0.0.1:8888
          --Registry HOST:PORT    Image registry, as clients reach it. Default: localhost:5555
          --Storage:Url URL       Object store for blobs: s3://BUCKET?region=REGION or azure://ACCOUNT/CONTAINER.
                                  Default: the data directory
          --AirflowHome PATH      Airflow's home directory in mount paths. Default: /usr/local/airflow
          --SECTION:NAME VALUE    A setting of a section, for example --Uploads:MaxBytes 1073741824
          --help, --version

        To use PostgreSQL instead of SQLite, set UPDRAFT_Database__ConnectionString.

        You can also set each setting in an environment variable, with the prefix UPDRAFT_ and two underscores for the
        colon (UPDRAFT_Uploads__MaxBytes), or in appsettings.json in the directory of the program. The command line has
        priority over the environment, and the environment over the file.

        The first start creates an Organization, a Workspace and an owner token in the file owner-token in the data directory.
        To choose them, set --Bootstrap:OrganizationId, --Bootstrap:OrganizationName, --Bootstrap:WorkspaceId,
        --Bootstrap:WorkspaceName, UPDRAFT_Bootstrap__OwnerToken, or --Bootstrap:OwnerTokenFile PATH (another file).

        Exit codes: 0 stopped on request, 1 could not start or failed, 78 a setting is invalid or unknown (all are listed).
        For scrub: 0 no blob is damaged, 1 a blob is damaged or cannot be read. For import: 0 imported and verified, 1 failed.
        """;

    /// <summary>Runs the server until it gets a signal to stop, or runs a command.</summary>
    /// <param name="args">The command line.</param>
    /// <param name="create">Builds the server.</param>
    /// <param name="start">Prepares the data directory and starts to serve.</param>
    /// <param name="subCommands">The commands, by the first argument.</param>
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
        var (unknown, unreadable) = (FindUnknownSettings(args), FindUnreadableValues(args));
        if (unknown.Count + unreadable.Count > 0)
        {
            string[] readable = [.. settings, .. unreadable.Select(value => $"--{value.Key}={value.Valid}")];
            return await RejectAsync([.. unknown, .. unreadable.Select(value => value.Problem),
                .. await FindInvalidValuesAsync(readable, create)]);
        }
        try
        {
            await using var app = create(settings);
            if (subCommand is not null)
            {
                app.Services.GetRequiredService<IStartupValidator>().Validate();
                return await subCommand.RunAsync(app.Services, own!, CancellationToken.None);
            }
            app.Services.GetRequiredService<IStartupValidator>().Validate();
            // Libraries create temporary files there. The server must write in its data directory only.
            Environment.SetEnvironmentVariable("TMPDIR", app.Services.GetRequiredService<IOptions<ServerOptions>>().Value.Folder("tmp"));
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
            await Console.Error.WriteLineAsync($"{exception.Message} Choose another URL with --Listen.");
            return Failed;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            await Console.Error.WriteLineAsync($"The server cannot {(subCommand is null ? "start" : "run the command")}: "
                + $"{exception.Message}");
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

    private static List<(string Key, string Problem, string Valid)> FindUnreadableValues(string[] args)
    {
        try
        {
            return [.. CheckSettings.FindUnreadable(ServerHost.AddSources(new ConfigurationBuilder(), args).Build())];
        }
        catch (Exception exception) when (exception is InvalidDataException or FormatException)
        {
            // The check of the sources reports an unreadable file or argument.
            return [];
        }
    }

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
        // A text in place of a number. The inner exception is the one of the parser.
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
        RegexOptions.ExplicitCapture | RegexOptions.Singleline, matchTimeoutMilliseconds: 1000)]
    private static partial Regex ValidationFailure();

    private static async Task<int> RejectAsync(IEnumerable<string> failures)
    {
        await Console.Error.WriteLineAsync("The server cannot start with these settings:");
        foreach (var failure in failures)
            await Console.Error.WriteLineAsync($"- {failure}");
        return BadConfiguration;
    }
}
