using System.Globalization;
using Updraft.Agent.Tracing;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Runs the operator's command against the staged trees of DAG bundles before Airflow sees them, once for each: that of <c>dags</c>, and
/// those below <c>bundles</c>. <c>UPDRAFT_STAGED</c> is the folder that would be mounted, <c>UPDRAFT_MOUNT</c> its place below the root.
/// What it writes is the log of the step <c>check/MOUNT</c>.
/// </summary>
internal sealed class BundleCheck(AgentRoot root, AgentOptions options, AgentLog log, TimeProvider clock)
{
    private const string Main = "dags", Others = "bundles/";

    /// <exception cref="RevisionRejectedException">The command failed or took too long; ends with its last lines of output.</exception>
    public async Task RunAsync(DesiredState desired, StepLog steps, CancellationToken cancellationToken)
    {
        if (options.Check is null)
            return;
        foreach (var mount in desired.Mounts.Where(mount => mount.Path == Main || mount.Path.StartsWith(Others, StringComparison.Ordinal)))
            await RunAsync(options.Check, mount, desired, steps, cancellationToken);
    }

    private async Task RunAsync(string check, DesiredMount mount, DesiredState desired, StepLog steps, CancellationToken cancellationToken)
    {
        using var span = AgentSpans.Begin("check")?.SetTag("updraft.mount", mount.Path);
        var (started, step) = (clock.GetTimestamp(), "check/" + mount.Path);
        var staged = Mounts.Target(root, mount);
        var command = new ShellCommand(check, staged, new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["UPDRAFT_STAGED"] = staged,
            ["UPDRAFT_MOUNT"] = mount.Path,
            ["UPDRAFT_REVISION"] = desired.Revision.ToString(CultureInfo.InvariantCulture),
            // Importing must not write caches into a tree that is to stay as it came.
            ["PYTHONDONTWRITEBYTECODE"] = "1",
        }, options.CheckTimeout, clock);
        steps.Begin(step);
        ShellResult result;
        try
        {
            result = await command.RunAsync(line => steps.Write(step, line), cancellationToken);
        }
        catch (IOException exception)
        {
            throw Refuse(steps, step, $"The check cannot be run. {exception.Message}", "");
        }
        if (!result.IsGood)
            throw Refuse(steps, step, $"The check {result.Problem(options.CheckTimeout)}.", result.Quote());
        steps.End(step, StepStatus.Completed);
        log.Information("checked", ("revision", desired.Revision), ("mount", mount.Path), ("took", clock.GetElapsedTime(started)));
    }

    private static RevisionRejectedException Refuse(StepLog steps, string step, string problem, string output)
    {
        steps.Write(step, problem);
        steps.End(step, StepStatus.Failed);
        return new RevisionRejectedException(problem + output);
    }
}
