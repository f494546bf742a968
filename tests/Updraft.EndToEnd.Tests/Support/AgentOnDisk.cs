using System.Diagnostics;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>An agent process and its root directory, which stands in for Airflow's home.</summary>
internal sealed class AgentOnDisk : IDisposable
{
    private readonly IReadOnlyList<string> _arguments;
    private ChildProcess? _program;

    public AgentOnDisk(string root, IReadOnlyList<string> arguments) => (Root, _arguments) = (root, arguments);

    public string Root { get; }

    public string Dags => Path.Join(Root, "dags");

    public string Log => _program?.Output ?? "";

    public void Start() => _program = new ChildProcess(Programs.AgentBinary, _arguments);

    public void Kill() => _program!.Kill();

    /// <summary>Runs the agent in its own process with <c>--once</c>, and waits until it exits.</summary>
    /// <param name="through">A program that starts the agent, and its arguments; empty to start the agent directly.</param>
    /// <returns>The exit code and the output.</returns>
    public async Task<(int ExitCode, string Output)> ConvergeAsync(params string[] through)
    {
        string[] command = [.. through, Programs.AgentBinary, .. _arguments, "--once"];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var process = Process.Start(
            new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardOutput = true })!;
        try
        {
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, output);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            throw;
        }
    }

    /// <summary>Waits until the mount has exactly these files.</summary>
    /// <param name="tree">The expected files.</param>
    /// <param name="mount">Mount path below the root.</param>
    public async Task SeesAsync(Tree tree, string mount = "dags")
    {
        string? difference = null;
        await Eventually.TrueAsync(() => !_program!.HasExited && (difference = TryCompare(tree, mount)) is null,
            $"{mount} of the agent at {Root} has the deployed files", () => difference + "\n" + Log);
    }

    /// <summary>Waits until one file has this text, which is cheaper than a comparison of all files.</summary>
    public Task SeesAsync(string path, string text) =>
        Eventually.TrueAsync(() => TryRead(Path.Join(Root, path)) == text, $"{path} says {text}", () => Log);

    public void Dispose() => _program?.Dispose();

    private string? TryCompare(Tree tree, string mount)
    {
        try
        {
            return tree.Difference(Path.Join(Root, mount));
        }
        catch (IOException exception)
        {
            // A flip during the comparison can show files of both trees; the next attempt decides.
            return exception.Message;
        }
    }

    private static string? TryRead(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (IOException)
        {
            return null;
        }
    }
}
