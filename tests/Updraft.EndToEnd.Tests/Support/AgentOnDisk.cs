namespace Updraft.EndToEnd.Tests.Support;

/// <summary>An agent and the folder that it keeps, which stands for Airflow's home.</summary>
internal sealed class AgentOnDisk : IDisposable
{
    private readonly IReadOnlyList<string> _arguments;
    private RunningProgram? _program;

    public AgentOnDisk(string root, IReadOnlyList<string> arguments) => (Root, _arguments) = (root, arguments);

    public string Root { get; }

    public string Dags => Path.Join(Root, "dags");

    public string Log => _program?.Output ?? "";

    public void Start() => _program = new RunningProgram(Programs.AgentBinary, _arguments);

    public void Kill() => _program!.Kill();

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
