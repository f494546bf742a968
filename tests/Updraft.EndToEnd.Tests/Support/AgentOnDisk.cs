using System.Diagnostics;

namespace Updraft.EndToEnd.Tests.Support;

/// <summary>An agent and the folder that it keeps, which stands for Airflow's home.</summary>
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

    /// <summary>Lets the agent converge once, as a process of its own, and waits for its end.</summary>
    /// <param name="through">A program that runs the agent, and its arguments; none to run it directly.</param>
    /// <returns>Its exit code, and what it wrote.</returns>
    public async Task<(int ExitCode, string Output)> ConvergeAsync(params string[] through)
    {
        string[] command = [.. through, Programs.AgentBinary, .. _arguments, "--once"];
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(60));
        using var process = Process.Start(new ProcessStartInfo(command[0], command[1..]) { UseShellExecute = false, RedirectStandardOutput = true })!;
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

    /// <summary>Waits until Airflow sees exactly these files.</summary>
    /// <param name="tree">The files.</param>
    /// <param name="mount">Place below the root.</param>
    public async Task SeesAsync(Tree tree, string mount = "dags")
    {
        string? difference = null;
        await Eventually.TrueAsync(() => !_program!.HasExited && (difference = TryCompare(tree, mount)) is null,
            $"{mount} of the agent at {Root} is what was deployed", () => difference + "\n" + Log);
    }

    /// <summary>Waits until one file has this text; cheaper than comparing everything.</summary>
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
            // Walking by path while the mount is flipped can meet both trees; the next look decides.
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
