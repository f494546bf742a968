using System.Diagnostics;
using System.Text.RegularExpressions;
using Updraft.Agent.Tests.Support;

namespace Updraft.Agent.Tests;

/// <summary>
/// The order of the agent's system calls. The new state is durable before the flip, and the flip is durable before the report. A power cut
/// at any time therefore leaves the earlier state or the new one.
/// </summary>
[Trait("Runs", "ci")] // Traces the agent, which is not dumpable, so only root may.
public sealed partial class FlipDurabilityTests(FlipDurabilityTests.TracedDeploys deploys)
    : IClassFixture<FlipDurabilityTests.TracedDeploys>
{
    [Fact]
    public void Flip_is_fsynced_before_it_is_reported()
    {
        foreach (var calls in deploys.Traces)
        {
            var flip = calls.Single(call => call.IsRenameTo(deploys.Own("current")));
            // At its start the agent reports the earlier state.
            var report = calls.First(call => call.IsReport("ACTIVE") && call.End > flip.Begin);
            AssertSynced(calls, deploys.Own(), flip, report);
        }
    }

    [Fact]
    public void State_directory_is_fsynced_before_the_flip()
    {
        foreach (var calls in deploys.Traces)
        {
            var flip = calls.Single(call => call.IsRenameTo(deploys.Own("current")));
            var state = calls.Single(call => call.IsRenameInto(deploys.Own("states")));
            AssertSynced(calls, deploys.Own("states"), state, flip);
        }
    }

    [Fact]
    public void Record_and_links_of_a_state_are_synced_before_its_rename()
    {
        foreach (var calls in deploys.Traces)
        {
            var state = calls.Single(call => call.IsRenameInto(deploys.Own("states")));
            var record = calls.Single(call => call.IsRename && call.Target.EndsWith(".partial/.updraft", StringComparison.Ordinal));
            AssertSynced(calls, Path.GetDirectoryName(record.Target)!, record, state);
        }
    }

    [Fact]
    public void Tree_and_its_directory_are_synced_before_the_flip()
    {
        foreach (var calls in deploys.Traces)
        {
            var flip = calls.Single(call => call.IsRenameTo(deploys.Own("current")));
            var trees = calls.Where(call => call.IsRenameInto(deploys.Own("trees"))).ToList();
            Assert.NotEmpty(trees);
            foreach (var tree in trees)
            {
                AssertSynced(calls, deploys.Own("trees"), tree, flip);
                var work = tree.Target + ".partial";
                Assert.True(calls.Exists(call => call.End < tree.Begin && call.IsSyncOf(work)), $"{work} is not synced before its rename.");
                Assert.True(calls.Exists(call => call.End < tree.Begin && call.IsSyncIn(work)),
                    $"No file in {work} is synced before its rename.");
            }
        }
    }

    [Fact]
    public void Link_of_a_new_mount_is_fsynced_before_the_flip()
    {
        var calls = deploys.Traces[0];
        var flip = calls.Single(call => call.IsRenameTo(deploys.Own("current")));
        foreach (var link in (string[])["dags", "dbt/shop"])
        {
            var made = calls.Single(call => call.IsLinkAt(Path.Join(deploys.Root, link)));
            AssertSynced(calls, Path.GetDirectoryName(Path.Join(deploys.Root, link))!, made, flip);
        }
        Assert.True(calls.Exists(call => call.IsSyncOf(deploys.Root) && call.End < flip.Begin));
    }

    [Fact]
    public void Memory_of_the_revision_is_synced_before_the_flip()
    {
        foreach (var calls in deploys.Traces)
        {
            var flip = calls.Single(call => call.IsRenameTo(deploys.Own("current")));
            var memory = calls.Last(call => call.IsRenameTo(deploys.Own("agent.json")) && call.End < flip.Begin);
            AssertSynced(calls, deploys.Own(), memory, flip);
        }
    }

    private static void AssertSynced(List<Call> calls, string folder, Call after, Call before)
    {
        Assert.True(after.End < before.Begin, $"'{after.Text}' is not before '{before.Text}'.");
        Assert.True(calls.Exists(call => call.IsSyncOf(folder) && after.End < call.Begin && call.End < before.Begin),
            $"{folder} is not synced between '{after.Text}' and '{before.Text}':\n"
                + string.Join('\n', calls.Where(call => call.Begin >= after.Begin && call.End <= before.End).Select(call => call.Text)));
    }

    /// <summary>Three deploys, each of which a new agent process applies, with the system calls of these processes.</summary>
    public sealed class TracedDeploys : IAsyncLifetime
    {
        private readonly TestAgent _agent = new();
        private readonly List<List<Call>> _traces = [];
        private StandInServer? _server;

        internal IReadOnlyList<List<Call>> Traces => _traces;

        internal string Root => _agent.Root;

        internal string Own(params string[] parts) => _agent.Own(parts);

        public async ValueTask InitializeAsync()
        {
            _server = await StandInServer.StartAsync();
            foreach (var text in (string[])["one", "two", "three"])
            {
                // A mount in a directory makes the agent sync its whole file system, so the last deploy is without one.
                var dags = ("dags", Tree.Of(("a.py", text)));
                var revision = text == "three" ? _server.Deploy(dags) : _server.Deploy(dags, ("dbt/shop", Tree.Of(("p.yml", "same"))));
                _traces.Add(await TraceAsync(_server));
                await _server.WaitForActiveAsync(revision);
                Assert.Equal(text, _agent.Texts("dags")["a.py"]);
            }
        }

        public async ValueTask DisposeAsync()
        {
            await _agent.DisposeAsync();
            if (_server is not null)
                await _server.DisposeAsync();
        }

        private async Task<List<Call>> TraceAsync(StandInServer server)
        {
            var trace = Path.Join(_agent.Root, "trace");
            string[] arguments = ["-f", "-y", "-qq", "-s", "16384", "-o", trace, "-e",
                "trace=rename,renameat,renameat2,symlink,symlinkat,fsync,fdatasync,syncfs,sendto,sendmsg,write,writev",
                Path.Join(AppContext.BaseDirectory, "updraft-agent"), "--server", server.Address.ToString(), "--root", _agent.Root,
                "--once"];
            var start = new ProcessStartInfo("strace", arguments)
            {
                RedirectStandardOutput = true,
                RedirectStandardError = true,
                UseShellExecute = false,
            };
            start.Environment["UPDRAFT_AGENT_TOKEN"] = StandInServer.Token;
            start.Environment["DOTNET_EnableDiagnostics"] = "0";
            using var process = Process.Start(start)!;
            var output = process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
            var error = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            await process.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.True(process.ExitCode == 0, $"The agent ended with {process.ExitCode}: {error}\n{await output}");
            var calls = Call.Parse(await File.ReadAllLinesAsync(trace, TestContext.Current.CancellationToken));
            File.Delete(trace);
            return calls;
        }
    }

    /// <summary>A successful system call, with the numbers of the trace lines in which it began and ended.</summary>
    internal sealed partial record Call(int Begin, int End, string Text)
    {
        public bool IsRename => Text.StartsWith("rename", StringComparison.Ordinal);

        /// <summary>The last path of a rename or link.</summary>
        public string Target => Paths().Matches(Text) is { Count: > 0 } paths ? paths[^1].Groups["path"].Value : "";

        public bool IsRenameTo(string path) => IsRename && Target == path;

        public bool IsRenameInto(string folder) => IsRename && Path.GetDirectoryName(Target) == folder
            && !Target.EndsWith(".partial", StringComparison.Ordinal);

        public bool IsLinkAt(string path) => Text.StartsWith("symlink", StringComparison.Ordinal) && Target == path;

        /// <summary>A sync of this file or directory alone, or of the whole file system.</summary>
        public bool IsSyncOf(string path) => Text.StartsWith("syncfs", StringComparison.Ordinal)
            || Text.Contains($"<{path}>)", StringComparison.Ordinal) && SyncCall().IsMatch(Text);

        /// <summary>A sync of a file in a directory, or of the whole file system.</summary>
        public bool IsSyncIn(string folder) => Text.StartsWith("syncfs", StringComparison.Ordinal)
            || Text.Contains($"<{folder}/", StringComparison.Ordinal) && SyncCall().IsMatch(Text);

        public bool IsReport(string phase) => SendCall().IsMatch(Text)
            && Text.Contains($"\\\"phase\\\":\\\"{phase}\\\"", StringComparison.Ordinal);

        public static List<Call> Parse(string[] lines)
        {
            var (calls, open) = (new List<Call>(), new Dictionary<string, (int Begin, string Text)>(StringComparer.Ordinal));
            for (var i = 0; i < lines.Length; i++)
            {
                if (Line().Match(lines[i]) is not { Success: true } line)
                    continue;
                var (thread, text) = (line.Groups["thread"].Value, line.Groups["text"].Value);
                if (text.EndsWith(" <unfinished ...>", StringComparison.Ordinal))
                {
                    open[thread] = (i, text[..^" <unfinished ...>".Length]);
                    continue;
                }
                var begin = i;
                if (Resumed().Match(text) is { Success: true } resumed && open.Remove(thread, out var begun))
                    (begin, text) = (begun.Begin, begun.Text + text[resumed.Length..]);
                if (!Failed().IsMatch(text))
                    calls.Add(new(begin, i, text));
            }
            return calls;
        }

        [GeneratedRegex(@"^(?<thread>\d+) +(?<text>.*)$")]
        private static partial Regex Line();

        [GeneratedRegex(@"^<\.\.\. \w+ resumed>")]
        private static partial Regex Resumed();

        [GeneratedRegex(@" = (-1 |\?)")]
        private static partial Regex Failed();

        [GeneratedRegex("\"(?<path>[^\"]*)\"")]
        private static partial Regex Paths();

        [GeneratedRegex("^(fsync|fdatasync)\\(")]
        private static partial Regex SyncCall();

        [GeneratedRegex("^(send|write)")]
        private static partial Regex SendCall();
    }
}
