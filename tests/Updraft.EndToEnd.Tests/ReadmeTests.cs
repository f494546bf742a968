using System.Diagnostics;
using System.Text.RegularExpressions;

namespace Updraft.EndToEnd.Tests;

/// <summary>Runs the commands of the tutorial in their order, as a new user does.</summary>
[Trait("Database", "SQLite")]
public sealed partial class ReadmeTests
{
    private const string Documented = "http://127.0.0.1:8888";

    [Fact]
    public async Task Tutorial_commands_deploy_a_project_and_roll_it_back()
    {
        var home = Directory.CreateTempSubdirectory("updraft-readme-").FullName;
        try
        {
            var (exit, output) = await RunAsync(Script(home, $"http://127.0.0.1:{LoopbackPort.Lease()}"), home);

            Assert.True(exit == 0, $"exit code {exit}\n{output}");
            Assert.Contains("\"DEPLOYED\"", output, StringComparison.Ordinal);
            Assert.Equal(File.ReadAllText(Path.Join(Project, "dags", "daily_report.py")), File.ReadAllText(Path.Join(home, "airflow", "dags", "daily_report.py")));
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    private static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Join(folder.FullName, "Updraft.slnx")))
                folder = folder.Parent!;
            return folder.FullName;
        }
    }

    private static string Project => Path.Join(Root, "examples", "airflow-project");

    /// <summary>The fenced commands in their order, with the two programs in the background and another port.</summary>
    private static string Script(string home, string address)
    {
        var tutorial = File.ReadAllText(Path.Join(Root, "docs", "tutorial", "getting-started.md"));
        var blocks = Block().Matches(tutorial).Select(match => match.Groups["commands"].Value.TrimEnd()).ToList();
        Assert.Equal(7, blocks.Count);
        var (server, agent) = (Path.GetDirectoryName(Programs.ServerDll), Path.GetDirectoryName(Programs.AgentBinary));
        IEnumerable<string> script =
        [
            $"set -euo pipefail\ncd '{Root}'\ntrap 'kill $(jobs -p); wait' EXIT",
            .. blocks.Select(commands => commands switch
            {
                _ when commands.Contains("packaging/publish", StringComparison.Ordinal) =>
                    $"mkdir ~/updraft ~/airflow\nln -s '{server}' ~/updraft/server\nln -s '{agent}' ~/updraft/agent",
                _ when commands.Contains("Updraft.Server.dll", StringComparison.Ordinal) =>
                    $"{commands} --Listen {address} --PublicUrl {address} >~/server.log 2>&1 &\nuntil curl -fs {address}/healthz/ready; do sleep 0.1; done",
                _ when commands.Contains("updraft-agent --server", StringComparison.Ordinal) => $"{commands} >~/agent.log 2>&1 &",
                _ => commands,
            }),
        ];
        return string.Join('\n', script).Replace(Documented, address, StringComparison.Ordinal);
    }

    private static async Task<(int Exit, string Output)> RunAsync(string script, string home)
    {
        var start = new ProcessStartInfo("timeout", ["120", "bash", "-c", script])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment["HOME"] = home;
        using var bash = Process.Start(start)!;
        var output = await Task.WhenAll(bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken),
            bash.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken));
        await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
        return (bash.ExitCode, string.Join('\n', output));
    }

    [GeneratedRegex("```bash\n(?<commands>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
