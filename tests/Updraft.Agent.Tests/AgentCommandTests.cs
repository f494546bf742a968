namespace Updraft.Agent.Tests;

public sealed class AgentCommandTests : IDisposable
{
    private const string Key = "6Gx0u1mI4Jv8wQyq0m3S5dOXyG8Jg0k1r2t3u4v5w6x";
    private readonly Dictionary<string, string> _environment = new(StringComparer.Ordinal);
    private readonly StringWriter _output = new(), _errors = new();

    public void Dispose()
    {
        _output.Dispose();
        _errors.Dispose();
    }

    [Fact]
    public void Options_have_the_documented_defaults()
    {
        var options = Parse("--server", "https://updraft.example.com", "--token", "t", "--root", "/srv/airflow").Options!;

        Assert.Equal("https://updraft.example.com/", options.Server.AbsoluteUri);
        Assert.Equal(("t", "/srv/airflow", "airflow", Environment.MachineName),
            (options.ReadToken(), options.Root, options.Component, options.Host));
        Assert.Equal((null, null, 600), (options.ImageDriver, options.ImageCommand, options.ImageTimeout.TotalSeconds));
        Assert.Equal((120, 5, 10, false, null),
            (options.CheckTimeout.TotalSeconds, options.KeepTrees, options.KeepFor.TotalMinutes, options.Once, options.Check));
    }

    [Fact]
    public void Every_option_can_come_from_the_environment()
    {
        foreach (var (name, value) in new[]
        {
            ("SERVER", "http://s:1/x"), ("TOKEN", "t"), ("ROOT", "/r"), ("COMPONENT", "worker"), ("HOST", "h"), ("CHECK", "true"),
            ("IMAGE_DRIVER", "exec"), ("IMAGE_COMMAND", "run it"), ("IMAGE_TIMEOUT", "6"), ("CHECK_TIMEOUT", "7"),
            ("KEEP_TREES", "8"), ("KEEP_MINUTES", "9"), ("ONCE", "true"), ("ONCE_TIMEOUT", "10"), ("PASS_ENV", "A, B_*"),
            ("SERVER_KEY", Key), ("LOG_FORMAT", "plain"),
        })
            _environment["UPDRAFT_AGENT_" + name] = value;
        var options = Parse().Options!;

        Assert.Equal(("http://s:1/x", "t", "/r", "worker", "h", "true"),
            (options.Server.AbsoluteUri, options.ReadToken(), options.Root, options.Component, options.Host, options.Check));
        Assert.Equal(("exec", "run it", 6), (options.ImageDriver, options.ImageCommand, options.ImageTimeout.TotalSeconds));
        Assert.Equal((10, true), (options.OnceTimeout.TotalSeconds, options.IsLogPlain));
        Assert.Equal(["A", "B_*"], options.PassedVariables);
        Assert.Equal([Key], options.ServerKeys);
        Assert.Equal((7, 8, 9, true), (options.CheckTimeout.TotalSeconds, options.KeepTrees, options.KeepFor.TotalMinutes, options.Once));
    }

    [Theory]
    [InlineData("--server-key", "short")]
    [InlineData("--pass-env", "UPDRAFT_AGENT_TOKEN")]
    [InlineData("--log-format", "xml")]
    [InlineData("--once-timeout", "0")]
    public void Wrong_value_of_an_option_is_named(string option, string value)
    {
        var (options, exit) = Parse("--server", "http://s", "--token", "t", "--root", "r", option, value);

        Assert.Equal((null, ExitCode.Usage), (options, exit));
        Assert.Contains(option, _errors.ToString(), StringComparison.Ordinal);
        Assert.Contains($"'{value}'", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_lists_the_environment_of_commands()
    {
        Parse("--help");

        Assert.All(CommandEnvironment.Names, name => Assert.Contains(name, _output.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void Own_collector_takes_precedence_over_OpenTelemetry_variable()
    {
        string[] required = ["--server", "http://s", "--token", "t", "--root", "r"];
        Assert.Null(Parse(required).Options!.OtlpEndpoint);
        _environment["OTEL_EXPORTER_OTLP_ENDPOINT"] = "http://common:4318";
        _environment["OTEL_EXPORTER_OTLP_HEADERS"] = "x-key=a%3Db, x-other = 1,nothing";
        var options = Parse(required).Options!;
        Assert.Equal("http://common:4318/", options.OtlpEndpoint!.AbsoluteUri);
        Assert.Equal([("x-key", "a=b"), ("x-other", "1")], options.OtlpHeaders);
        Assert.Equal("https://own/x", Parse([.. required, "--otlp-endpoint", "https://own/x"]).Options!.OtlpEndpoint!.AbsoluteUri);
    }

    [Fact]
    public void Command_line_takes_precedence_over_environment()
    {
        _environment["UPDRAFT_AGENT_COMPONENT"] = "worker";
        _environment["UPDRAFT_AGENT_TOKEN"] = "from-the-environment";
        var file = Path.GetTempFileName();
        File.WriteAllText(file, "from-the-file\n");
        var options = Parse("--server", "http://s", "--root", "r", "--component", "triggerer", "--token-file", file).Options!;

        Assert.Equal(("triggerer", "from-the-file"), (options.Component, options.ReadToken()));
        File.Delete(file);
    }

    [Theory]
    [InlineData("--root r --token t", "--server")]
    [InlineData("--server ftp://s --root r --token t", "--server")]
    [InlineData("--server http://s --token t", "--root")]
    [InlineData("--server http://s --root r --token t --otlp-endpoint collector:4317", "--otlp-endpoint")]
    [InlineData("--server http://s --root r", "--token-file")]
    [InlineData("--server http://s --root r --token t --image-driver docker", "--image-driver is 'docker'. It must be one of exec")]
    [InlineData("--server http://s --root r --token t --image-driver exec", "needs --image-command")]
    [InlineData("--server http://s --root r --token t --image-command true", "is only for --image-driver exec")]
    [InlineData("--server http://s --root r --token t --image-driver exec --image-command true --image-timeout 0",
        "--image-timeout is '0'. It must be a whole number from 1 to 86400")]
    [InlineData("--server http://s --root r --token t --keep-trees -1", "--keep-trees is '-1'. It must be a whole number from 0 to 1000")]
    [InlineData("--server http://s --root r --token t --check-timeout 0",
        "--check-timeout is '0'. It must be a whole number from 1 to 3600")]
    [InlineData("--server http://s --root r --token t --keep-minutes x", "--keep-minutes")]
    [InlineData("--server http://s --root r --token t --kube-namespace n", "either --kube-selector or --kube-release")]
    [InlineData("--server http://s --root r --token t --kube-selector a=b --kube-release r", "either --kube-selector or --kube-release")]
    [InlineData("--server http://s --root r --token t --kube-release R", "--kube-release is 'R'. It must be a name")]
    [InlineData("--server http://s --root r --token t --kube-release r --kube-namespace a/b",
        "--kube-namespace is 'a/b'. It must be a name")]
    [InlineData("--server http://s --root r --token t --kube-release r --kube-containers a,B", "has 'B', which is not the name")]
    [InlineData("--server http://s --root r --token t --sever", "--sever")]
    public void Wrong_option_is_named_and_exits_with_64(string arguments, string named)
    {
        var (options, exit) = Parse(arguments.Split(' '));

        Assert.Null(options);
        Assert.Equal(64, exit);
        Assert.Contains(named, _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Workloads_are_selected_by_chart_release_or_labels()
    {
        string[] always = ["--server", "http://s", "--root", "r", "--token", "t"];
        string[] required = [.. always, "--image-driver", "kubernetes"];

        Assert.Null(Parse(always).Options!.Kubernetes);
        Assert.Equal(64, Parse([.. always, "--kube-release", "prod"]).Exit);
        Assert.Equal(64, Parse(required).Exit);
        Assert.Contains("--kube-release or --kube-selector", _errors.ToString(), StringComparison.Ordinal);
        var release = Parse([.. required, "--kube-release", "prod"]).Options!.Kubernetes!;
        Assert.Equal(
            (null, "tier=airflow,release=prod,component in (scheduler,webserver,api-server,dag-processor,triggerer,worker,flower)"),
            (release.Namespace, release.Selector));
        Assert.Empty(release.Containers);
        _environment["UPDRAFT_AGENT_KUBE_CONTAINERS"] = "scheduler, worker";
        var labels = Parse([.. required, "--kube-selector", "a=b", "--kube-namespace", "n"]).Options!.Kubernetes!;
        Assert.Equal(("n", "a=b"), (labels.Namespace, labels.Selector));
        Assert.Equal(["scheduler", "worker"], labels.Containers);
    }

    [Fact]
    public void Wrong_number_in_environment_is_named()
    {
        _environment["UPDRAFT_AGENT_KEEP_TREES"] = "many";

        Assert.Equal(64, Parse("--server", "http://s", "--root", "r", "--token", "t").Exit);
        Assert.Contains("'many'", _errors.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Help_shows_examples_and_exit_codes()
    {
        Assert.Equal(0, Parse("--help").Exit);
        Assert.Contains("updraft-agent --server https://", _output.ToString(), StringComparison.Ordinal);
        Assert.All(new[] { "64", "69", "75", "78" }, code => Assert.Contains($"  {code}  ", _output.ToString(), StringComparison.Ordinal));
    }

    [Fact]
    public void Help_does_not_show_environment_values()
    {
        _environment["UPDRAFT_AGENT_TOKEN"] = "secret-token";
        Parse("--help");

        Assert.DoesNotContain("secret-token", _output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Version_option_prints_assembly_version()
    {
        Assert.Equal(0, Parse("--version").Exit);
        Assert.Contains(AgentVersion.Text, _output.ToString(), StringComparison.Ordinal);
    }

    private (AgentOptions? Options, int Exit) Parse(params string[] arguments) =>
        new AgentCommand(_environment.GetValueOrDefault).Parse(arguments, _output, _errors);
}
