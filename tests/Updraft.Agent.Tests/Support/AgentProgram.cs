using System.Diagnostics;

namespace Updraft.Agent.Tests.Support;

/// <summary>Runs the agent's program as a process of its own, for tests of users, environments and exit codes.</summary>
internal sealed class AgentProgram
{
    /// <summary>Further environment variables.</summary>
    public Dictionary<string, string> Environment { get; } = new(StringComparer.Ordinal);

    public static string Path => System.IO.Path.Join(AppContext.BaseDirectory, "updraft-agent");

    /// <summary>Runs the program as this user until it ends.</summary>
    public Task<(int Exit, string Log)> RunAsync(params string[] arguments) => RunCommandAsync([Path, .. arguments]);

    /// <summary>Runs the program as another user until it ends.</summary>
    public Task<(int Exit, string Log)> RunAsync(int user, int group, string umask, params string[] arguments) =>
        RunCommandAsync(["setpriv", $"--reuid={user}", $"--regid={group}", "--clear-groups", "sh", "-c", $"umask {umask}; exec \"$@\"", "sh",
            Path, .. arguments]);

    /// <summary>Runs a command that starts the program.</summary>
    public async Task<(int Exit, string Log)> RunCommandAsync(IReadOnlyList<string> command)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1)) { RedirectStandardOutput = true, UseShellExecute = false };
        start.Environment["UPDRAFT_AGENT_TOKEN"] = StandInServer.Token;
        start.Environment["DOTNET_EnableDiagnostics"] = "0";
        foreach (var (name, value) in Environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        try
        {
            var log = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (process.ExitCode, log);
        }
        finally
        {
            if (!process.HasExited)
                process.Kill();
        }
    }
}
