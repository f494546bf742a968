using System.Runtime.InteropServices;
using Updraft.Agent.Images;
using Updraft.Agent.Tracing;
using Updraft.Protocol.Cryptography;

namespace Updraft.Agent;

/// <summary>Entry point of the agent. It creates all objects without a container.</summary>
internal static class Program
{
    public static async Task<int> Main(string[] arguments)
    {
        var (options, exit) = new AgentCommand(Environment.GetEnvironmentVariable).Parse(arguments, Console.Out, Console.Error);
        if (options is null)
            return exit;
        var log = new AgentLog(Console.OpenStandardOutput(), TimeProvider.System, options.IsLogPlain ?? !Console.IsOutputRedirected);
        // The options have the token now. Deployed code runs as a child process, or as another process of the same user.
        Environment.SetEnvironmentVariable(AgentCommand.TokenVariable, null);
        try
        {
            Posix.HideMemory();
        }
        catch (IOException exception)
        {
            log.Warning("memory_visible", ("reason", ErrorReason.Of(exception)));
        }
        if (!SystemLibraries.HasOpenSsl())
        {
            if (SystemLibraries.ProblemWithoutOpenSsl(options) is { } problem)
            {
                log.Error("agent_exited", ("reason", problem), ("exitCode", ExitCode.LibraryMissing));
                return ExitCode.LibraryMissing;
            }
            PortableCryptography.IsEnabled = true;
            log.Warning("openssl_missing", ("consequence", "The agent verifies files with its own, slower code. It cannot use https."));
        }
        using var stop = new CancellationTokenSource();
        using var terminate = PosixSignalRegistration.Create(PosixSignal.SIGTERM, Stop);
        using var interrupt = PosixSignalRegistration.Create(PosixSignal.SIGINT, Stop);
        return await RunAsync(options, log, TimeProvider.System, stop.Token);

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
        using var limit = new CancellationTokenSource(options.Once ? options.OnceTimeout : Timeout.InfiniteTimeSpan, clock);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit.Token, cancellationToken);
        Func<string?> lastProblem = () => null;
        try
        {
            using var root = AgentRoot.Open(options.Root);
            log.Information("agent_started", ("version", AgentVersion.Text), ("root", root.Root),
                ("server", options.Server.GetLeftPart(UriPartial.Path)));
            if (options.Server is { Scheme: "http", IsLoopback: false })
                log.Warning("server_unencrypted", ("server", options.Server.GetLeftPart(UriPartial.Authority)), ("consequence",
                    "The network can read the token and the files. Use https, and name the server's key with --server-key."));
            var removal = new Removal(root, log);
            removal.Sweep();
            await using var spans = SpanExporter.Start(options, log, clock);
            var (manifests, verified) = (new LocalManifests(root, log, clock), new VerifiedFiles());
            var mounts = new Mounts(root, new FileTimes(root, manifests, verified, clock), manifests, removal, log, clock);
            var retention = new TreeRetention(root, manifests, mounts, verified, removal, options, log, clock);
            var trustedState = new TrustedState(root, mounts.Active, options, retention.Reclaim, log, clock);
            using var api = ServerRequest.Connect(followRedirects: false);
            using var packs = ServerRequest.Connect(followRedirects: true);
            using var client = new StateClient(api, options, trustedState, log, clock);
            var fetcher = new PackFetcher(api, packs, options, log, clock);
            var prebuiltTrees = new PrebuiltTrees(root, manifests, verified, removal, log);
            var trees = new TreeBuilder(root, manifests, fetcher, prebuiltTrees, verified, removal, log);
            var repair = new DriftRepair(root, manifests, mounts, trees, log);
            var check = new BundleCheck(root, options, log, clock);
            var images = new ImageRollout(ImageDrivers.Create(options, root, clock), trustedState, log, clock);
            var loop = new AgentLoop(client, trees, prebuiltTrees, repair, fetcher, check, images, mounts, retention, log, clock);
            lastProblem = () => client.LastProblem ?? loop.LastProblem;
            await loop.RunAsync(options.Once, either.Token);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            log.Information("agent_stopped");
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested)
        {
            log.Error("agent_exited", ("reason", $"--once did not end within {options.OnceTimeout.TotalSeconds:0} s (--once-timeout). "
                + (lastProblem() is { } last ? $"The last problem: {last}" : "The server sent no revision that could be mounted.")),
                ("exitCode", ExitCode.TimedOut));
            return ExitCode.TimedOut;
        }
        catch (AgentExitException exception)
        {
            log.Error("agent_exited", ("reason", exception.Message), ("exitCode", exception.Code));
            return exception.Code;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            log.Error("agent_exited", ("reason", ErrorReason.Of(exception)), ("exitCode", ExitCode.Configuration));
            return ExitCode.Configuration;
        }
        return ExitCode.Ok;
    }
}
