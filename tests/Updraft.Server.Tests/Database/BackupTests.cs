using System.Diagnostics;
using System.Text.RegularExpressions;
using Npgsql;
using Updraft.Server.Tests.Conventions;
using Updraft.Server.Tests.Replicas;
using Updraft.Server.Tests.Rollouts;
using Updraft.Server.Tests.Storage;
using Updraft.Server.Tests.Uploads;

namespace Updraft.Server.Tests.Database;

/// <summary>
/// Backup and restore with the commands of docs/how-to/back-up-and-restore.md, while deploys are finalized. Deploys that were finalized
/// before the backup exist after the restore, and agents with a higher revision are served.
/// </summary>
public sealed partial class BackupTests(PostgresCluster cluster) : IClassFixture<PostgresCluster>
{
    private static CancellationToken Cancelled => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Deploys_before_the_backup_exist_after_the_restore(bool onPostgres)
    {
        var work = Directory.CreateTempSubdirectory("updraft-backup-").FullName;
        try
        {
            var settings = new Dictionary<string, string>(TestStorage.Folder, StringComparer.Ordinal)
            {
                ["Data"] = Path.Join(work, "updraft", "data"),
                ["Bootstrap:OwnerToken"] = ServerGroup.OwnerToken,
                ["Database:ConnectionString"] = "",
            };
            var environment = new Dictionary<string, string>(StringComparer.Ordinal) { ["HOME"] = work };
            await using var database = onPostgres ? await cluster.CreateDatabaseAsync() : null;
            if (database is not null)
            {
                var postgres = await CreateDatabaseAsync(database, "updraft");
                settings["Database:ConnectionString"] = postgres.ConnectionString;
                (environment["PGHOST"], environment["PGUSER"]) = (postgres.Host!, postgres.Username!);
            }

            var (backup, restore) = onPostgres
                ? (Commands("postgres-backup"), Commands("postgres-restore"))
                : (Commands("backup"), Commands("restore"));
            AgentSite site;
            TestAgent agent;
            int answered, seen;
            var finalized = new List<(string Deploy, string Version)>();
            await using (var server = await UpdraftServer.StartAsync(settings: settings))
            {
                site = await AgentSite.CreateAsync(server);
                agent = await site.EnrollAsync();
                await DeployAsync(server, site.DeploymentId, finalized);
                using var isOver = new CancellationTokenSource();
                var deploying = Task.Run(async () =>
                {
                    while (!isOver.IsCancellationRequested)
                        await DeployAsync(server, site.DeploymentId, finalized);
                }, Cancelled);
                await Poll.UntilAsync(() => Task.FromResult(Count(finalized) >= 3));
                answered = Count(finalized);
                await RunAsync(work, backup, environment);
                seen = Count(finalized) + 1;
                await Poll.UntilAsync(() => Task.FromResult(Count(finalized) > seen));
                await isOver.CancelAsync();
                await deploying;
                seen = (int)(await agent.AskAsync(0, "ACTIVATE"))!.Revision;
                Assert.Equal(finalized.Count, seen);
            }
            await RunAsync(work, restore, environment);

            settings["Agents:Epoch"] = "2";
            await using var restored = await UpdraftServer.StartAsync(settings: settings);
            foreach (var (deploy, version) in finalized.Take(answered))
            {
                var deploys = $"{restored.OrganizationPath}/deployments/{site.DeploymentId}/deploys";
                var read = await restored.Client.GetOkAsync($"{deploys}/{deploy}");
                Assert.Equal(("DEPLOYED", version), (read.Text("status"), read.Text("dagTarballVersion")));
            }
            Assert.Empty(await ScrubInProcess.RunAsync(restored));
            var returned = new TestAgent(restored.ClientWith(site.Client.DefaultRequestHeaders.Authorization!.Parameter!), agent.Enrolment);
            var state = await returned.AskAsync(seen, "ACTIVATE");
            Assert.Equal(2, state!.Epoch);
            Assert.InRange(state.Revision, answered, seen);
            await DeployAsync(restored, site.DeploymentId, finalized);
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            Directory.Delete(work, recursive: true);
        }
    }

    private static int Count<T>(List<T> list)
    {
        lock (list)
            return list.Count;
    }

    private static async Task DeployAsync(UpdraftServer server, string deployment, List<(string Deploy, string Version)> finalized)
    {
        var upload = await UploadSite.CreateAsync(server, deployment);
        var version = await upload.UploadAsync(new TarBuilder().File("dags/a.py", $"# {upload.DeployId}").ToArray());
        await upload.FinalizeAsync(version);
        lock (finalized)
            finalized.Add((upload.DeployId, version));
    }

    /// <summary>Creates a database with the name that the commands use. An earlier run on this cluster leaves one.</summary>
    private static async Task<NpgsqlConnectionStringBuilder> CreateDatabaseAsync(TestDatabase database, string name)
    {
        await PostgresServer.DropDatabaseAsync(database.ConnectionString, name);
        await PostgresServer.CreateDatabaseAsync(database.ConnectionString, name);
        return new NpgsqlConnectionStringBuilder(database.ConnectionString) { Database = name };
    }

    /// <summary>The block of commands after a mark in the document.</summary>
    private static string Commands(string mark)
    {
        const string Page = "docs/how-to/back-up-and-restore.md";
        var block = Block().Matches(SourceTree.Read(Page)).SingleOrDefault(match => match.Groups["mark"].Value == mark);
        Assert.True(block is not null, $"{Page} has no block of commands after <!-- {mark} -->.");
        return block.Groups["commands"].Value;
    }

    private static async Task RunAsync(string directory, string commands, Dictionary<string, string> environment)
    {
        var start = new ProcessStartInfo("bash", ["-euc", commands])
        {
            WorkingDirectory = directory,
            RedirectStandardError = true,
            UseShellExecute = false,
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = await process.StandardError.ReadToEndAsync(Cancelled);
        await process.WaitForExitAsync(Cancelled);
        Assert.True(process.ExitCode == 0, $"{commands}\n{error}");
    }

    [GeneratedRegex("<!-- (?<mark>[a-z-]+) -->\n *```bash[^\n]*\n(?<commands>.*?)```", RegexOptions.Singleline)]
    private static partial Regex Block();
}
