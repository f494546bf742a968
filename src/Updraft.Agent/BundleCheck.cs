using System.Globalization;
using Updraft.Agent.Tracing;
using Updraft.Protocol;

namespace Updraft.Agent;

/// <summary>
/// Runs the operator's command once for each prepared DAG bundle before Airflow sees it: for <c>dags</c> and for the mounts below
/// <c>bundles</c>. <c>UPDRAFT_STAGED</c> is the directory of the new files, <c>UPDRAFT_MOUNT</c> the mount path, and
/// <c>UPDRAFT_REVISION</c> the revision. The output becomes the log of the step <c>check/MOUNT</c>.
/// </summary>
internal sealed class BundleCheck(AgentRoot root, AgentOptions options, AgentLog log, TimeProvider clock)
{
    private const string Main = "dags", Others = "bundles/";

    /// <exception cref="RevisionRejectedException">The command failed or took too long. The message contains its last lines.</exception>
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
            // Imports must not write caches into the prepared tree.
            ["PYTHONDONTWRITEBYTECODE"] = "1",
        }, options.PassedVariables, options.CheckTimeout, clock);
        steps.Begin(step);
        ShellResult result;
        try
        {
            result = await command.RunAsync(line => steps.Write(step, line), cancellationToken);
        }
        catch (IOException exception)
        {
            throw Reject(steps, step, $"The check cannot run: {ErrorReason.Of(exception)}", "");
        }
        if (!result.IsGood)
            throw Reject(steps, step, $"The check {result.Problem(options.CheckTimeout)}.", result.Quote());
        steps.End(step, StepStatus.Completed);
        log.Information("check_passed", ("revision", desired.Revision), ("mount", mount.Path), ("took", clock.GetElapsedTime(started)));
    }

    private static RevisionRejectedException Reject(StepLog steps, string step, string problem, string output)
    {
        steps.Write(step, problem);
        steps.End(step, StepStatus.Failed);
        return new RevisionRejectedException(problem + output);
    }
}
