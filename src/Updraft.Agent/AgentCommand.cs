using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using Updraft.Agent.Images;

namespace Updraft.Agent;

/// <summary>The command line of the agent.</summary>
internal sealed class AgentCommand
{
    private const string EnvironmentPrefix = "UPDRAFT_AGENT_";

    /// <summary>Environment variable with the agent token.</summary>
    public const string TokenVariable = EnvironmentPrefix + "TOKEN";

    /// <summary>Length of a key id in characters: a SHA-256 value in base64url.</summary>
    private const int KeyLength = 43;

    /// <summary>Environment variables of OpenTelemetry, which all its programs read.</summary>
    private const string OtlpVariable = "OTEL_EXPORTER_OTLP_ENDPOINT", OtlpHeadersVariable = "OTEL_EXPORTER_OTLP_HEADERS";

    private const string Help = """

        Examples:
          Keep ~/airflow/dags equal to the newest deploy:
            updraft-agent --server https://updraft.example.com --token-file /run/secrets/agent --root ~/airflow

          Reject a deploy with a syntax error before Airflow sees it:
            updraft-agent ... --check 'cd "$UPDRAFT_STAGED" && find . -name "*.py" -exec python3 -c "import ast, sys
            for path in sys.argv[1:]: ast.parse(open(path, \"rb\").read(), path)" {} +'

          Roll out container images with Docker Compose:
            updraft-agent ... --image-driver exec --image-command /etc/updraft/compose-image

          Fill a volume in an init container, then exit:
            updraft-agent ... --once

        You can set each option in the environment too: --keep-trees is UPDRAFT_AGENT_KEEP_TREES.
        The command line takes precedence. The log goes to standard output: plain lines on a terminal, otherwise
        one JSON object per line.

        The check and the image command get a part of the agent's environment only:
        ENVIRONMENT
        --pass-env adds names to this list.

        Exit codes:
          0   stopped by a signal, or --once is done
          64  an option is missing or wrong
          65  with --once: the check fails, or a file blocks a mount path
          69  the server rejects the token, and the root was never enrolled or --once is set
          70  with --once: the image of the newest revision does not run
          72  OpenSSL (libssl) is missing, and a URL is https
          75  another agent uses the root
          78  the root cannot be used, or it belongs to another Deployment or another server key
          124 with --once: not done within --once-timeout
        """;

    private readonly Func<string, string?> _environment;
    private readonly RootCommand _command =
        new("Keeps the files and images of an Airflow host equal to the desired state of its Deployment.");

    private readonly Option<string> _server, _token, _tokenFile, _root, _component, _host, _check, _imageDriver, _imageCommand;
    private readonly Option<string> _otlpEndpoint;
    private readonly NumberOption _checkTimeout, _imageTimeout, _keepTrees, _keepMinutes, _onceTimeout;
    private readonly Option<string> _serverKey, _logFormat, _passEnv;
    private readonly Option<bool> _once;
    private readonly Option<string> _kubeRelease, _kubeSelector, _kubeNamespace, _kubeContainers;

    /// <param name="environment">Returns the value of an environment variable; null if it is not set.</param>
    public AgentCommand(Func<string, string?> environment)
    {
        _environment = environment;
        _server = Text("--server", "URL", "URL of the server, with its path. Required.");
        _token = Text("--token", "TOKEN", "Agent token itself, which other users of the host can see. Prefer --token-file.");
        _tokenFile = Text("--token-file", "FILE",
            "File with the agent token, which the agent reads for each request. Required without --token.");
        _root = Text("--root", "DIR", "Directory that stands for Airflow's home. The DAG bundle appears as DIR/dags. Required.");
        _component = Text("--component", "NAME", "Airflow component that uses the files, such as scheduler.", "airflow");
        _host = Text("--host", "NAME", "Name of the host in the web UI.", Environment.MachineName);
        _check = Text("--check", "COMMAND",
            "Command that verifies the DAG bundle in $UPDRAFT_STAGED before Airflow sees it. Default: none.");
        _checkTimeout = Number("--check-timeout", "SECONDS", 120, 1, 3600, "Time limit of the check in seconds");
        _imageDriver = Text("--image-driver", "NAME",
            $"Rolls out container images: {string.Join(" or ", ImageDrivers.Names)}. Default: none.");
        _imageCommand = Text("--image-command", "COMMAND",
            "For exec: command that rolls out the image in $UPDRAFT_IMAGE, and exits when the image runs. Required for exec.");
        _imageTimeout = Number("--image-timeout", "SECONDS", 600, 1, 86_400, "Time limit of an image rollout in seconds");
        _keepTrees = Number("--keep-trees", "N", 5, 0, 1000, "How many earlier states keep their files at least");
        _keepMinutes = Number("--keep-minutes", "M", 10, 0, 10_080, "How many minutes an earlier state keeps its files at least");
        _kubeRelease = Text("--kube-release", "NAME",
            "For kubernetes: the release of Airflow's Helm chart whose workloads get the image. Default: none.");
        _kubeSelector = Text("--kube-selector", "LABELS",
            "For kubernetes: label selector of Deployments and StatefulSets, instead of a release. Default: none.");
        _kubeNamespace = Text("--kube-namespace", "NAME", "For kubernetes: the namespace of the workloads. Default: the agent's.");
        _kubeContainers = Text("--kube-containers", "NAMES", "For kubernetes: the containers that get the image, separated by commas. "
            + "Default: the main container, and all with an image of its repository.");
        _serverKey = Text("--server-key", "KEYS", "Ids of the server keys that the agent accepts, separated by commas. "
            + "Default: the key of the first enrollment.");
        _passEnv = Text("--pass-env", "NAMES", "Further environment variables for the check and the image command, separated by commas. "
            + "A name can end with *. Default: none.");
        _logFormat = Text("--log-format", "FORMAT", "Format of the log: plain, json, or auto for plain lines on a terminal.", "auto");
        _otlpEndpoint = Text("--otlp-endpoint", "URL",
            $"Collector for traces, as OTLP over HTTP. Default: ${OtlpVariable}, otherwise none.");
        _once = new Option<bool>("--once") { Description = "Bring the files to the newest revision, then exit. Default: off." };
        _command.Options.Add(_once);
        _onceTimeout = Number("--once-timeout", "SECONDS", 600, 1, 86_400, "Time limit of --once in seconds");
        var help = _command.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((SynchronousCommandLineAction)help.Action!);
        _command.SetAction(_ => ExitCode.Ok);
    }

    /// <summary>Parses the arguments, and prints help, version or errors.</summary>
    /// <returns>The options, or null and the exit code if the program must exit now.</returns>
    public (AgentOptions? Options, int Exit) Parse(string[] arguments, TextWriter output, TextWriter errors)
    {
        var parsed = _command.Parse(arguments);
        if (parsed.Errors.Count > 0)
            return Reject(parsed.Errors.Select(error => error.Message), errors);
        if (parsed.Action is not null && parsed.Action != _command.Action)
            return (null, parsed.Invoke(new InvocationConfiguration { Output = output, Error = errors }));
        var (problems, token, file) = (new List<string>(), Value(parsed, _token), Value(parsed, _tokenFile));
        if (!Uri.TryCreate(Value(parsed, _server), UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            problems.Add($"--server is {Quote(_server)}. It must be the http or https URL of the Updraft server.");
        if (Value(parsed, _root) is null)
            problems.Add("--root is missing. Name the directory that stands for Airflow's home.");
        if (token is null && file is null)
            problems.Add("The agent token is missing. Set --token-file, --token or UPDRAFT_AGENT_TOKEN.");
        if (token is not null && AgentOptions.ParseToken(token) is null)
            problems.Add("--token is not one word of visible ASCII characters. Copy the token without spaces and line breaks.");
        var (imageDriver, imageCommand) = (Value(parsed, _imageDriver), Value(parsed, _imageCommand));
        if (imageDriver is not null && !ImageDrivers.Names.Contains(imageDriver, StringComparer.Ordinal))
            problems.Add($"--image-driver is '{imageDriver}'. It must be one of {string.Join(", ", ImageDrivers.Names)}.");
        if (imageDriver == ImageDrivers.Exec && imageCommand is null)
            problems.Add("--image-driver exec needs --image-command, the command that rolls out the image in $UPDRAFT_IMAGE.");
        if (imageDriver != ImageDrivers.Exec && imageCommand is not null)
            problems.Add("--image-command is only for --image-driver exec. Set both or neither.");
        var serverKeys = List(Value(parsed, _serverKey));
        if (serverKeys.Find(key => key.Length != KeyLength || !key.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_')) is { } wrong)
            problems.Add($"--server-key contains '{wrong}'. A key id has {KeyLength} letters, digits, hyphens and underscores.");
        var passed = List(Value(parsed, _passEnv));
        problems.AddRange(passed.Select(CommandEnvironment.Problem).OfType<string>().Select(problem => $"--pass-env {problem}"));
        var logFormat = Value(parsed, _logFormat);
        if (logFormat is not ("auto" or "plain" or "json"))
            problems.Add($"--log-format is '{logFormat}'. It must be auto, plain or json.");
        var endpoint = Value(parsed, _otlpEndpoint) ?? (_environment(OtlpVariable) is { Length: > 0 } common ? common : null);
        Uri? otlpEndpoint = null;
        if (endpoint is not null
            && (!Uri.TryCreate(endpoint, UriKind.Absolute, out otlpEndpoint) || otlpEndpoint.Scheme is not ("http" or "https")))
            problems.Add($"--otlp-endpoint or {OtlpVariable} is '{endpoint}'. It must be the http or https URL of a collector.");
        var (checkTimeout, imageTimeout, keepTrees, keepMinutes, onceTimeout) =
            (Number(_checkTimeout), Number(_imageTimeout), Number(_keepTrees), Number(_keepMinutes), Number(_onceTimeout));
        var kubernetes = KubernetesOptions.Read(Value(parsed, _kubeNamespace), Value(parsed, _kubeSelector), Value(parsed, _kubeRelease),
            Value(parsed, _kubeContainers), problems);
        if (imageDriver == ImageDrivers.Kubernetes && kubernetes is null && problems.Count == 0)
            problems.Add(
                "--image-driver kubernetes needs --kube-release or --kube-selector, which select the workloads that get the image.");
        if (imageDriver != ImageDrivers.Kubernetes && kubernetes is not null)
            problems.Add("The options --kube-* are only for --image-driver kubernetes. Set both or neither.");
        return problems.Count > 0 ? Reject(problems, errors) : (new AgentOptions
        {
            Server = server!,
            Token = TokenFileTakesPrecedence(parsed) ? null : token,
            TokenFile = file,
            Root = Value(parsed, _root)!,
            Component = Value(parsed, _component)!,
            Host = Value(parsed, _host)!,
            Check = Value(parsed, _check),
            CheckTimeout = TimeSpan.FromSeconds(checkTimeout),
            ImageDriver = imageDriver,
            ImageCommand = imageCommand,
            ImageTimeout = TimeSpan.FromSeconds(imageTimeout),
            KeepTrees = keepTrees,
            KeepFor = TimeSpan.FromMinutes(keepMinutes),
            Kubernetes = kubernetes,
            OtlpEndpoint = otlpEndpoint,
            OtlpHeaders = AgentOptions.ParseHeaders(_environment(OtlpHeadersVariable)),
            ServerKeys = serverKeys,
            PassedVariables = passed,
            IsLogPlain = logFormat switch { "plain" => true, "json" => false, _ => null },
            OnceTimeout = TimeSpan.FromSeconds(onceTimeout),
            Once = parsed.GetValue(_once) || Variable(_once) is "1" or "true",
        }, ExitCode.Ok);

        int Number(NumberOption option)
        {
            var text = Value(parsed, option.Option)!;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || number < option.Min || number > option.Max)
                problems.Add($"{option.Option.Name} is '{text}'. It must be a whole number from {option.Min} to {option.Max}.");
            return number;
        }

        string Quote(Option<string> option) => Value(parsed, option) is { } value ? $"'{value}'" : "missing";
    }

    private static List<string> List(string? text) =>
        [.. (text ?? "").Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)];

    /// <summary>A token file on the command line takes precedence over a token in the environment.</summary>
    private bool TokenFileTakesPrecedence(ParseResult parsed) =>
        parsed.GetResult(_tokenFile) is { Implicit: false } && parsed.GetResult(_token) is not { Implicit: false };

    /// <summary>Value from the command line, the environment or the default, in this order. An empty value counts as absent.</summary>
    private string? Value(ParseResult parsed, Option<string> option)
    {
        var isGiven = parsed.GetResult(option) is { Implicit: false };
        return isGiven && parsed.GetValue(option) is { Length: > 0 } text
            ? text
            : Variable(option) ?? option.DefaultValueFactory?.Invoke(null!);
    }

    private string? Variable(Option option) =>
        _environment(EnvironmentPrefix + option.Name[2..].Replace('-', '_').ToUpperInvariant()) is { Length: > 0 } text ? text : null;

    private Option<string> Text(string name, string value, string description, string? fallback = null)
    {
        var option = new Option<string>(name) { HelpName = value, Description = description };
        // Help prints defaults. So values from the environment, which include the token, must not become defaults.
        if (fallback is not null)
            option.DefaultValueFactory = _ => fallback;
        _command.Options.Add(option);
        return option;
    }

    private NumberOption Number(string name, string value, int fallback, int min, int max, string description) =>
        new(Text(name, value, $"{description}, {min} to {max}.", $"{fallback}"), min, max);

    private static (AgentOptions?, int) Reject(IEnumerable<string> problems, TextWriter errors)
    {
        foreach (var problem in problems)
            errors.WriteLine(problem);
        errors.WriteLine("Run 'updraft-agent --help' for all options.");
        return (null, ExitCode.Usage);
    }

    private sealed record NumberOption(Option<string> Option, int Min, int Max);

    private sealed class HelpWithExamples(SynchronousCommandLineAction options) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var exit = options.Invoke(parseResult);
            var names = string.Join("\n", CommandEnvironment.Names.Chunk(9).Select(line => $"  {string.Join(", ", line)}"));
            parseResult.InvocationConfiguration.Output.WriteLine(Help.Replace("ENVIRONMENT", names, StringComparison.Ordinal));
            return exit;
        }
    }
}
