using System.Diagnostics;
using System.Text;
using System.Text.RegularExpressions;

namespace Updraft.EndToEnd.Tests;

/// <summary>
/// Executes the commands of the documentation. All blocks with the marker <c>run</c> of a page run in their order in one Bash session. Each
/// page has its own server and agent. The tutorial starts the programs itself: <see cref="ReadmeTests"/> executes it.
/// </summary>
[Trait("Database", "SQLite")]
public sealed partial class DocumentCommandTests
{
    /// <summary>Every page that has commands to execute.</summary>
    public static TheoryData<string> Pages => [.. DocumentedFiles().Where(file => Blocks(File.ReadAllText(Path.Join(Root, file))).Any())];

    /// <summary>The checkout; <c>UPDRAFT_PROSE_ROOT</c> names another one.</summary>
    private static string Root { get; } =
        Environment.GetEnvironmentVariable("UPDRAFT_PROSE_ROOT") is { Length: > 0 } root ? root : FindRoot();

    [Theory, MemberData(nameof(Pages))]
    public async Task Commands_of_a_page_succeed(string page)
    {
        var (exit, output) = await RunAsync(File.ReadAllText(Path.Join(Root, page)));

        Assert.True(exit == 0, $"{page}: exit code {exit}\n{output}");
    }

    [Fact]
    public async Task Page_finds_its_programs_and_fails_at_the_first_wrong_command()
    {
        var (exit, output) = await RunAsync("""
            1. Look.

               ```bash run
               curl -fsS "$UPDRAFT_URL/v1/organizations/$ORGANIZATION_ID/deployments/$DEPLOYMENT_ID" \
                 -H "Authorization: Bearer $UPDRAFT_TOKEN" |
                 jq -e --arg workspace "$WORKSPACE_ID" '.workspaceId == $workspace'
               updraft-agent --version && updraft-server --version && ls dags ~/airflow ~/updraft/data
               kept=value
               ```

            ```bash skip="fails"
            echo skipped && exit 3
            ```
            ```bash run
            echo "the session $kept"
            false | true
            echo not reached
            ```
            """);

        Assert.Equal(1, exit);
        Assert.Contains("the session value", output, StringComparison.Ordinal);
        Assert.Contains("The block at line 14 failed.", output, StringComparison.Ordinal);
        Assert.DoesNotContain("skipped", output, StringComparison.Ordinal);
        Assert.DoesNotContain("not reached", output, StringComparison.Ordinal);
    }

    private static IEnumerable<string> DocumentedFiles() => Directory.EnumerateFiles(Root, "*.md")
        .Concat(((string[])["docs", "examples", "packaging"])
            .SelectMany(directory => Directory.EnumerateFiles(Path.Join(Root, directory), "*.md", SearchOption.AllDirectories)))
        .Select(file => Path.GetRelativePath(Root, file)).Order(StringComparer.Ordinal);

    /// <summary>The marked blocks, without the indentation of a list item.</summary>
    private static IEnumerable<(int Line, string Commands)> Blocks(string page) => Block().Matches(page).Select(block => (
        page.AsSpan(0, block.Index).Count('\n') + 1,
        Regex.Replace(
            block.Groups["commands"].Value, "^" + block.Groups["indent"].Value, "", RegexOptions.Multiline, TimeSpan.FromSeconds(1))));

    private static async Task<(int Exit, string Output)> RunAsync(string page)
    {
        var session = new StringBuilder(
            "set -euo pipefail\ntrap 'status=$?; ((status == 0)) || echo \"The block at line $document_line failed.\"' EXIT\n");
        foreach (var (line, commands) in Blocks(page))
            session.Append(System.Globalization.CultureInfo.InvariantCulture, $"document_line={line}\n{commands}");
        var home = Directory.CreateTempSubdirectory("updraft-document-").FullName;
        try
        {
            await File.WriteAllTextAsync(Path.Join(home, ".session"), session.ToString(), TestContext.Current.CancellationToken);
            var start = new ProcessStartInfo("timeout", ["--kill-after=5", "300", "bash", "-c", Site])
            {
                UseShellExecute = false,
                RedirectStandardOutput = true,
                RedirectStandardInput = true,
            };
            // The variables of the tests must not configure the programs of the page.
            foreach (var name in start.Environment.Keys.Where(name => name.StartsWith("UPDRAFT_", StringComparison.Ordinal)).ToList())
                start.Environment.Remove(name);
            (start.Environment["HOME"], start.Environment["TMPDIR"]) = (home, home);
            (start.Environment["server_dll"], start.Environment["agent"]) = (
                Program("UPDRAFT_SERVER_DLL", "server/Updraft.Server.dll"), Program("UPDRAFT_AGENT_BIN", "agent/updraft-agent"));
            start.Environment["example"] = Path.Join(Root, "examples", "airflow-project");
            using var bash = Process.Start(start)!;
            bash.StandardInput.Close();
            var output = await bash.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            await bash.WaitForExitAsync(TestContext.Current.CancellationToken);
            return (bash.ExitCode, output);
        }
        finally
        {
            Directory.Delete(home, recursive: true);
        }
    }

    /// <summary>Starts the programs, runs the session, and stops the programs.</summary>
    private const string Site = """
        exec 2>&1
        set -euo pipefail
        mkdir ~/bin ~/updraft ~/airflow
        cp -r "$example" ~/project
        ln -s "$agent" ~/bin/updraft-agent
        printf '#!/bin/sh\nexec dotnet "%s" "$@"\n' "$server_dll" >~/bin/updraft-server
        chmod +x ~/bin/updraft-server
        PATH=$HOME/bin:$PATH
        programs=()
        stop() { for program in "${programs[@]}"; do kill "$program" 2>/dev/null || true; done; wait; }
        trap stop EXIT
        for attempt in 1 2 3 4 5; do
          # The port is below the range from which the kernel gives ports to clients.
          url=http://127.0.0.1:$((20000 + RANDOM % 10000))
          updraft-server --Data ~/updraft/data --Bootstrap:OwnerTokenFile ~/updraft/owner-token \
            --Listen $url --PublicUrl $url >~/server.log 2>&1 &
          programs=($!)
          until curl -fs $url/healthz/ready >/dev/null || ! kill -0 ${programs[0]} 2>/dev/null; do sleep 0.05; done
          ! kill -0 ${programs[0]} 2>/dev/null || break
          [ $attempt != 5 ] || { cat ~/server.log; exit 98; }
        done
        token=$(cat ~/updraft/owner-token)
        api() { curl -fsS "$url/v1/$1" -H "Authorization: Bearer $token" -H 'Content-Type: application/json' "${@:2}"; }
        ORGANIZATION_ID=$(api organizations | jq -r '.organizations[0].id')
        WORKSPACE_ID=$(api organizations/$ORGANIZATION_ID/workspaces | jq -r '.workspaces[0].id')
        deployments=organizations/$ORGANIZATION_ID/deployments
        deployment="{\"name\":\"production\",\"workspaceId\":\"$WORKSPACE_ID\",\"isDagDeployEnabled\":true}"
        DEPLOYMENT_ID=$(api $deployments -d "$deployment" | jq -r .id)
        (umask 077; api $deployments/$DEPLOYMENT_ID/agent-tokens -d '{"name":"agents"}' | jq -r .token >~/updraft/agent-token)
        updraft-agent --server $url --token-file ~/updraft/agent-token --root ~/airflow >~/agent.log 2>&1 &
        programs+=($!)
        until [ -s ~/agent.log ]; do sleep 0.02; done
        UPDRAFT_URL=$url UPDRAFT_TOKEN=$token
        export PATH UPDRAFT_URL UPDRAFT_TOKEN ORGANIZATION_ID WORKSPACE_ID DEPLOYMENT_ID
        unset example agent server_dll
        cd ~/project
        timeout --foreground --kill-after=5 120 bash ~/.session </dev/null || {
          status=$?
          echo "--- server"
          tail -20 ~/server.log
          echo "--- agent"
          tail -20 ~/agent.log
          exit $status
        }
        """;

    private static string Program(string variable, string published)
    {
        var path = Environment.GetEnvironmentVariable(variable) is { Length: > 0 } named
            ? named
            : Path.Join(FindRoot(), "artifacts", "published", published);
        return File.Exists(path) ? path : throw new InvalidOperationException(
            $"'{path}' is missing. Run 'packaging/publish artifacts/published', or set {variable}.");
    }

    private static string FindRoot()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Join(directory.FullName, "Updraft.slnx")))
            directory = directory.Parent;
        return directory?.FullName ?? throw new InvalidOperationException("Run the tests inside the checkout, below Updraft.slnx.");
    }

    [GeneratedRegex("^(?<indent>[ \t]*)```bash run[ \t]*\n(?<commands>.*?)^[ \t]*```", RegexOptions.Multiline | RegexOptions.Singleline)]
    private static partial Regex Block();
}
