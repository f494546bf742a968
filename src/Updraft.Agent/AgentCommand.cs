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

    /// <summary>Variables that every program with OpenTelemetry reads.</summary>
    private const string OtlpVariable = "OTEL_EXPORTER_OTLP_ENDPOINT", OtlpHeadersVariable = "OTEL_EXPORTER_OTLP_HEADERS";

    private const string Help = """

        Examples:
          Keep ~/airflow/dags at what is deployed:
            updraft-agent --server https://updraft.example.com --token-file /run/secrets/agent --root ~/airflow

          Let every DAG be imported before a deploy goes live:
            updraft-agent ... --check 'python -m compileall -q "$UPDRAFT_STAGED"'

          Let every new image of the Deployment run, by Docker Compose:
            updraft-agent ... --image-driver exec --image-command /etc/updraft/compose-image

          Fill a volume in an init container, then go on:
            updraft-agent ... --once

        Every option can also be set in the environment: --keep-trees is UPDRAFT_AGENT_KEEP_TREES.
        The log goes to standard output, one JSON object per line.

        Exit codes:
          0   stopped, or --once has converged
          64  an option is missing or wrong
          69  the server refuses the token and this root was never enrolled
          70  with --once: the image does not run
          75  another agent works on the root
          78  the root cannot be used, or belongs to another Deployment or server key
        """;

    private readonly Func<string, string?> _environment;
    private readonly RootCommand _command = new("Keeps the folders of an Airflow host at what its Deployment should run.");
    private readonly Option<string> _server, _token, _tokenFile, _root, _component, _host, _check, _imageDriver, _imageCommand, _otlpEndpoint;
    private readonly NumberOption _checkTimeout, _imageTimeout, _keepTrees, _keepMinutes;
    private readonly Option<bool> _once;
    private readonly Option<string> _kubeRelease, _kubeSelector, _kubeNamespace, _kubeContainers;

    /// <summary>Builds the command line.</summary>
    /// <param name="environment">Looks up an environment variable.</param>
    public AgentCommand(Func<string, string?> environment)
    {
        _environment = environment;
        _server = Text("--server", "URL", "Address of the Updraft server. Required.");
        _token = Text("--token", "TOKEN", "Agent token. Others on this machine can see it: prefer --token-file.");
        _tokenFile = Text("--token-file", "FILE", "File that holds the agent token.");
        _root = Text("--root", "DIR", "Airflow's home: dags becomes DIR/dags. Required.");
        _component = Text("--component", "NAME", "The Airflow component beside which it runs.", "airflow");
        _host = Text("--host", "NAME", "How this machine is shown.", Environment.MachineName);
        _check = Text("--check", "COMMAND", "Run by /bin/sh before a revision goes live; the staged dags folder is $UPDRAFT_STAGED. "
            + "A failure keeps what runs.");
        _checkTimeout = Number("--check-timeout", "SECONDS", 120, 1, 3600, "How long the check may run.");
        _imageDriver = Text("--image-driver", "NAME",
            $"Who lets the Deployment's image run beside the agent: {string.Join(", ", ImageDrivers.Names)}. Nobody unless given.");
        _imageCommand = Text("--image-command", "COMMAND", "For the driver exec: run by /bin/sh with the image in $UPDRAFT_IMAGE; "
            + "ends when the image runs.");
        _imageTimeout = Number("--image-timeout", "SECONDS", 600, 1, 86_400, "How long an image may take until it runs.");
        _keepTrees = Number("--keep-trees", "N", 5, 0, 1000, "Earlier states to keep on disk, at least.");
        _keepMinutes = Number("--keep-minutes", "M", 10, 0, 10_080,
            "How long to keep an earlier state, at least: longer than a task imports.");
        _kubeRelease = Text("--kube-release", "NAME", "For the driver kubernetes: the release of Airflow's Helm chart that runs the image.");
        _kubeSelector = Text("--kube-selector", "LABELS", "Instead: label selector of the Deployments and StatefulSets that run the image.");
        _kubeNamespace = Text("--kube-namespace", "NAME", "Their namespace. That of the agent's pod unless given.");
        _kubeContainers = Text("--kube-containers", "NAMES", "Their containers that run the image, separated by commas. "
            + "Unless given the main container, and all that have an image of the same repository.");
        _otlpEndpoint = Text("--otlp-endpoint", "URL", $"Collector to which spans are sent, by OTLP over HTTP. {OtlpVariable} unless given.");
        _once = new Option<bool>("--once") { Description = "Converge to what is deployed now, then end." };
        _command.Options.Add(_once);
        var help = _command.Options.OfType<HelpOption>().Single();
        help.Action = new HelpWithExamples((SynchronousCommandLineAction)help.Action!);
        _command.SetAction(_ => ExitCode.Ok);
    }

    /// <summary>Reads the arguments.</summary>
    /// <returns>The options, or the exit code when there is nothing to run: help, version, a wrong option.</returns>
    public (AgentOptions? Options, int Exit) Parse(string[] arguments, TextWriter output, TextWriter errors)
    {
        var parsed = _command.Parse(arguments);
        if (parsed.Errors.Count > 0)
            return Refuse(parsed.Errors.Select(error => error.Message), errors);
        if (parsed.Action is not null && parsed.Action != _command.Action)
            return (null, parsed.Invoke(new InvocationConfiguration { Output = output, Error = errors }));
        var (problems, token, file) = (new List<string>(), Of(parsed, _token), Of(parsed, _tokenFile));
        if (!Uri.TryCreate(Of(parsed, _server), UriKind.Absolute, out var server) || server.Scheme is not ("http" or "https"))
            problems.Add("--server must be the http or https address of the Updraft server.");
        if (Of(parsed, _root) is null)
            problems.Add("--root must name Airflow's home folder.");
        if (token is null && file is null)
            problems.Add("Give the agent token with --token-file, --token or UPDRAFT_AGENT_TOKEN.");
        if (token is not null && AgentOptions.TokenIn(token) is null)
            problems.Add("The token must be one word of visible characters.");
        var (imageDriver, imageCommand) = (Of(parsed, _imageDriver), Of(parsed, _imageCommand));
        if (imageDriver is not null && !ImageDrivers.Names.Contains(imageDriver, StringComparer.Ordinal))
            problems.Add($"--image-driver must be one of {string.Join(", ", ImageDrivers.Names)}, not '{imageDriver}'.");
        if (imageDriver == ImageDrivers.Exec && imageCommand is null)
            problems.Add("--image-driver exec needs --image-command, the command that lets the image in $UPDRAFT_IMAGE run.");
        if (imageDriver != ImageDrivers.Exec && imageCommand is not null)
            problems.Add("--image-command is for --image-driver exec; give both or neither.");
        var endpoint = Of(parsed, _otlpEndpoint) ?? (_environment(OtlpVariable) is { Length: > 0 } common ? common : null);
        Uri? otlpEndpoint = null;
        if (endpoint is not null && (!Uri.TryCreate(endpoint, UriKind.Absolute, out otlpEndpoint) || otlpEndpoint.Scheme is not ("http" or "https")))
            problems.Add($"--otlp-endpoint or {OtlpVariable} must be the http or https address of a collector.");
        var (checkTimeout, imageTimeout, keepTrees, keepMinutes) =
            (Number(_checkTimeout), Number(_imageTimeout), Number(_keepTrees), Number(_keepMinutes));
        var kubernetes = KubernetesOptions.Read(Of(parsed, _kubeNamespace), Of(parsed, _kubeSelector), Of(parsed, _kubeRelease),
            Of(parsed, _kubeContainers), problems);
        if (imageDriver == ImageDrivers.Kubernetes && kubernetes is null && problems.Count == 0)
            problems.Add("--image-driver kubernetes needs --kube-release or --kube-selector, the workloads that run the image.");
        if (imageDriver != ImageDrivers.Kubernetes && kubernetes is not null)
            problems.Add("The options --kube-* are for --image-driver kubernetes; give both or neither.");
        return problems.Count > 0 ? Refuse(problems, errors) : (new AgentOptions
        {
            Server = server!,
            Token = IsFileNearer(parsed) ? null : token,
            TokenFile = file,
            Root = Of(parsed, _root)!,
            Component = Of(parsed, _component)!,
            Host = Of(parsed, _host)!,
            Check = Of(parsed, _check),
            CheckTimeout = TimeSpan.FromSeconds(checkTimeout),
            ImageDriver = imageDriver,
            ImageCommand = imageCommand,
            ImageTimeout = TimeSpan.FromSeconds(imageTimeout),
            KeepTrees = keepTrees,
            KeepFor = TimeSpan.FromMinutes(keepMinutes),
            Kubernetes = kubernetes,
            OtlpEndpoint = otlpEndpoint,
            OtlpHeaders = AgentOptions.HeadersIn(_environment(OtlpHeadersVariable)),
            Once = parsed.GetValue(_once) || Variable(_once) is "1" or "true",
        }, ExitCode.Ok);

        int Number(NumberOption option)
        {
            var text = Of(parsed, option.Option)!;
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
                || number < option.Least || number > option.Most)
                problems.Add($"{option.Option.Name} must be {option.Least} to {option.Most}, not '{text}'.");
            return number;
        }
    }

    /// <summary>A file named on the command line wins over a token that stands in the environment.</summary>
    private bool IsFileNearer(ParseResult parsed) =>
        parsed.GetResult(_tokenFile) is { Implicit: false } && parsed.GetResult(_token) is not { Implicit: false };

    /// <summary>From the command line, else from the environment, else the default. Empty is as good as absent.</summary>
    private string? Of(ParseResult parsed, Option<string> option)
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
        // Help prints defaults, so what comes from the environment, the token among it, must not be one.
        if (fallback is not null)
            option.DefaultValueFactory = _ => fallback;
        _command.Options.Add(option);
        return option;
    }

    private NumberOption Number(string name, string value, int fallback, int least, int most, string description) =>
        new(Text(name, value, $"{description} {least} to {most}.", $"{fallback}"), least, most);

    private static (AgentOptions?, int) Refuse(IEnumerable<string> problems, TextWriter errors)
    {
        foreach (var problem in problems)
            errors.WriteLine(problem);
        errors.WriteLine("Try 'updraft-agent --help'.");
        return (null, ExitCode.Usage);
    }

    private sealed record NumberOption(Option<string> Option, int Least, int Most);

    private sealed class HelpWithExamples(SynchronousCommandLineAction options) : SynchronousCommandLineAction
    {
        public override int Invoke(ParseResult parseResult)
        {
            var exit = options.Invoke(parseResult);
            parseResult.InvocationConfiguration.Output.WriteLine(Help);
            return exit;
        }
    }
}
