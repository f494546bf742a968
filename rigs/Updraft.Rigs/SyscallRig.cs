namespace Updraft.Rigs;

/// <summary>
/// C15, C16: makes the N-th call of a kind fail, for N from 1 until a run has no such call any more; for create, upload, finalize and
/// rollback at the server, and for carrying out a revision at the agent. An acknowledged change is there afterwards, a refused one is
/// not, and an error has the common shape.
/// </summary>
internal sealed class SyscallRig(RigOptions options, TextWriter output)
{
    private const int MostCalls = 40;

    // One thread of the pool does all the work, so that the N-th call of that thread is the N-th call of the operation.
    private static readonly Dictionary<string, string> OneThread = new() { ["DOTNET_ThreadPool_ForceMaxWorkerThreads"] = "1" };

    // glibc and the runtime choose among several calls for one purpose.
    private static readonly Dictionary<string, string> Variants = new()
    {
        ["rename"] = "rename,renameat,renameat2",
        ["unlink"] = "unlink,unlinkat,rmdir",
        ["mkdir"] = "mkdir,mkdirat",
        ["openat"] = "open,openat",
    };

    private int _runs, _failed, _succeeded, _died;

    public async Task<int> RunAsync()
    {
        var most = options.Number("most", MostCalls);
        var calls = (options.Text("calls") ?? "openat,pwrite64,fsync,rename,unlink,mkdir").Split(',');
        var errors = (options.Text("errors") ?? "EIO,ENOSPC,EMFILE").Split(',');
        var operations = (options.Text("operations") ?? "create,upload,finalize,rollback,apply").Split(',');
        try
        {
            foreach (var operation in operations)
            {
                using var site = new Site(options);
                await site.StartServerAsync(OneThread);
                await site.AddDeploymentAsync();
                await WarmAsync(site);
                var verification = new Verification(site);
                foreach (var call in calls)
                {
                    foreach (var error in errors)
                        await (operation == "apply" ? ApplyAsync(site, verification, call, error, most)
                            : ServeAsync(site, verification, operation, call, error, most));
                }
            }
            output.WriteLine($"runs={_runs} failed={_failed} succeeded={_succeeded} died={_died} lost=0");
            return 0;
        }
        catch (ViolationException violation)
        {
            output.WriteLine($"VIOLATION {violation.Message}");
            output.WriteLine($"runs={_runs} failed={_failed} succeeded={_succeeded} died={_died} broken={violation.Rule}");
            return 1;
        }
    }

    private async Task ServeAsync(Site site, Verification verification, string operation, string call, string error, int most)
    {
        var (n, died) = (1, _died);
        for (var injected = true; injected && n <= most; n++)
        {
            var ledger = site.Ledgers[0];
            var load = new Load(site.Api, ledger, new Random(options.Seed + _runs), Moment.Never);
            var row = await PrepareAsync(load, ledger, operation);
            var log = site.In("tokens/trace");
            var what = $"{operation} {call}={error} at {n}";
            using (var trace = await ChildProcess.TraceAsync(site.Server!.Id, Injection(call, error, n), log))
            {
                var isDone = await OperateAsync(load, ledger, operation, row);
                trace.Signal(Native.Terminate);
                await trace.ExitsWithinAsync(TimeSpan.FromSeconds(20));
                injected = (await File.ReadAllTextAsync(log)).Contains("(INJECTED)", StringComparison.Ordinal);
                Count(isDone);
                ViolationException.Require(isDone || injected, what, "failed without a reason");
            }
            if (site.Server.HasExited)
            {
                // The runtime opens files for itself and ends when it cannot; then what counts is what the next start finds.
                ViolationException.Require(call == "openat" || error == "EMFILE", what, "the server ended:\n" + site.Server.Tail);
                _died++;
                await RestartAsync(site);
            }
            await CheckAsync(site, verification, what);
        }
        output.WriteLine($"{operation} {call} {error}: {n - 1} runs{(_died > died ? $", {_died - died} ended the server" : "")}");
        await RestartAsync(site);
        await CheckAsync(site, verification, $"{operation} {call}={error} after a restart");
    }

    private static string Injection(string call, string error, int n)
    {
        var calls = Variants.GetValueOrDefault(call, call);
        return $"-e trace={calls} -e inject={calls}:error={error}:when={n}";
    }

    private async Task RestartAsync(Site site)
    {
        site.KillServer();
        await site.StartServerAsync(OneThread);
        await WarmAsync(site);
    }

    /// <summary>One whole deploy, so that what fails later is the work and not the loading of the program.</summary>
    private async Task WarmAsync(Site site)
    {
        var row = await PrepareAsync(new Load(site.Api, site.Ledgers[0], new Random(options.Seed + _runs), Moment.Never), site.Ledgers[0], "finalize");
        await new Load(site.Api, site.Ledgers[0], new Random(options.Seed), Moment.Never).FinishAsync(row, row.Uploads[0].Version);
    }

    private static async Task<LedgerRow> PrepareAsync(Load load, Ledger ledger, string operation)
    {
        if (operation == "rollback" && ledger.Rows.FirstOrDefault(row => row.Snapshot is not null) is { } there)
            return there;
        var row = (await load.CreateAsync("dags"))!;
        if (operation is "finalize" or "rollback")
            ViolationException.Require(await load.UploadAsync(row), operation, "the upload before it failed");
        if (operation == "rollback")
            ViolationException.Require(await load.FinishAsync(row, row.Uploads[0].Version), operation, "the finalize before it failed");
        return row;
    }

    /// <returns>Whether it was acknowledged. A refused operation stays pending in the ledger only if it may have happened.</returns>
    private static async Task<bool> OperateAsync(Load load, Ledger ledger, string operation, LedgerRow row)
    {
        var pending = ledger.Pending;
        try
        {
            return operation switch
            {
                "create" => await load.CreateAsync("dags") is not null,
                "upload" => await load.UploadAsync(row),
                "finalize" => await load.FinishAsync(row, row.Uploads[0].Version),
                _ => await load.RollBackAsync(row),
            };
        }
        catch (ViolationException refused) when (refused.Rule == "I9" && refused.Message.Contains("\"statusCode\":", StringComparison.Ordinal))
        {
            // A failed commit leaves it open whether it happened; the verification finds out.
            ledger.Pending = ledger.LastOpen ?? pending;
            return false;
        }
    }

    private static async Task CheckAsync(Site site, Verification verification, string what)
    {
        try
        {
            await verification.CheckAsync();
        }
        catch (ViolationException violation)
        {
            throw new ViolationException(violation.Rule, $"{what}: {violation.Message}\n{string.Join('\n', site.Ledgers[0].Tail)}");
        }
    }

    private async Task ApplyAsync(Site site, Verification verification, string call, string error, int most)
    {
        var ledger = site.Ledgers[0];
        var load = new Load(site.Api, ledger, new Random(options.Seed + _runs), Moment.Never);
        var n = 1;
        for (var injected = true; injected && n <= most; n++)
        {
            await using var watch = new MountWatch(site.Root, ledger);
            site.StartAgent();
            await watch.SeesAsync(ledger.State, () => site.Agent!.Tail);
            var row = (await load.CreateAsync("dags"))!;
            ViolationException.Require(await load.UploadAsync(row), "apply", "the upload failed");
            var log = site.In("tokens/trace");
            var what = $"apply {call}={error} at {n}";
            using (var trace = await ChildProcess.TraceAsync(site.Agent!.Id, Injection(call, error, n), log))
            {
                ViolationException.Require(await load.FinishAsync(row, row.Uploads[0].Version), what, "the finalize failed");
                var before = site.Agent.Output.Length;
                await Site.EventuallyAsync(() => Task.FromResult(site.Agent.HasExited
                    || site.Agent.Output[before..].Contains("\"revision_failed\"", StringComparison.Ordinal)
                    || site.Agent.Output[before..].Contains("\"revision_activated\"", StringComparison.Ordinal)), what, () => site.Agent.Tail);
                trace.Signal(Native.Terminate);
                await trace.ExitsWithinAsync(TimeSpan.FromSeconds(20));
                injected = (await File.ReadAllTextAsync(log)).Contains("(INJECTED)", StringComparison.Ordinal);
                Count(site.Agent.Output[before..].Contains("\"revision_activated\"", StringComparison.Ordinal));
            }
            // It tries again by itself, or after a restart.
            if (site.Agent.HasExited)
            {
                site.KillAgent();
                site.StartAgent();
            }
            await watch.SeesAsync(ledger.State, () => what + "\n" + site.Agent!.Tail);
            site.KillAgent();
        }
        output.WriteLine($"apply {call} {error}: {n - 1} runs");
        await CheckAsync(site, verification, $"apply {call}={error}");
    }

    private void Count(bool isDone)
    {
        _runs++;
        if (isDone)
            _succeeded++;
        else
            _failed++;
    }
}
