using System.Runtime.InteropServices;
using Updraft.Agent.Images;
using Updraft.Agent.Tracing;

namespace Updraft.Agent;

/// <summary>Entry point of the agent. It creates all objects without a container.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var (options, exit) = new AgentCommand(Environment.GetEnvironmentVariable).Parse(arguments, Console.Out, Console.Error);
        if (options is null)
            return exit;
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        return await RunAsync(options, new AgentLog(Console.OpenStandardOutput(), TimeProvider.System), TimeProvider.System, stop.Token);

        void Stop(PosixSignalContext context)
        {
            context.Cancel = true;
            stop.Cancel();
        }
    }

    /// <summary>Runs an agent until it is stopped or cannot continue.</summary>
    /// <returns>One of <see cref="ExitCode"/>.</returns>
    public static async Task<int> RunAsync(AgentOptions options, AgentLog log, TimeProvider clock, CancellationToken cancellationToken)
    {
        try
        {
            using var root = AgentRoot.Open(options.Root);
            log.Information("agent_started", ("version", AgentVersion.Text), ("root", root.Root),
                ("server", options.Server.GetLeftPart(UriPartial.Path)));
            root.Sweep(log);
            await using var spans = SpanExporter.Start(options, log, clock);
            var manifests = new LocalManifests(root, log, clock);
            var mounts = new Mounts(root, manifests, log, clock);
            var trustedState = new TrustedState(root, mounts.Active, log, clock);
            using var api = ServerRequest.Connect(followRedirects: false);
            using var packs = ServerRequest.Connect(followRedirects: true);
            using var client = new StateClient(api, options, trustedState, log, clock);
            var fetcher = new PackFetcher(api, packs, options, log, clock);
            var prebuiltTrees = new PrebuiltTrees(root, manifests, log);
            var trees = new TreeBuilder(root, manifests, fetcher, prebuiltTrees, log);
            var check = new BundleCheck(root, options, log, clock);
            var retention = new TreeRetention(root, mounts, options, log, clock);
            var images = new ImageRollout(ImageDrivers.Create(options, root, clock), trustedState, log, clock);
            await new AgentLoop(client, trees, prebuiltTrees, fetcher, check, images, mounts, retention, log, clock)
                .RunAsync(options.Once, cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            log.Information("agent_stopped");
        }
        catch (AgentExitException exception)
        {
            log.Error("agent_exited", ("reason", exception.Message), ("exitCode", exception.Code));
            return exception.Code;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Error("agent_exited", ("reason", exception.Message), ("exitCode", ExitCode.Configuration));
            return ExitCode.Configuration;
        }
        return ExitCode.Ok;
    }
}
